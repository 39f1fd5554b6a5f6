// What Application Insights does not see. The app's own requests, traces and exceptions go there by themselves.
metadata description = 'Diagnostic settings: what goes into the workspace.'

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Name of the storage account.')
param storageAccountName string

@description('Name of the vault with the app\'s secrets.')
param appVaultName string

@description('Name of the vault with the scanner\'s token.')
param jobVaultName string

@description('Name of the Container Apps environment.')
param environmentName string

@description('Name of the registry.')
param registryName string

@description('Whether the registry was made here; one that existed keeps the settings of its owner.')
param ownsRegistry bool

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: storageAccountName
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' existing = {
  parent: storage
  name: 'default'
}

resource vaults 'Microsoft.KeyVault/vaults@2024-11-01' existing = [
  for name in [appVaultName, jobVaultName]: {
    name: name
  }
]

resource environment 'Microsoft.App/managedEnvironments@2025-01-01' existing = {
  name: environmentName
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: registryName
}

// Who wrote and removed artifacts. Reads, and queues and tables, are polled by the second: they would only cost.
resource blobs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'scangate'
  scope: blobService
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'StorageWrite'
        enabled: true
      }
      {
        category: 'StorageDelete'
        enabled: true
      }
    ]
  }
}

resource secrets 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = [
  for index in range(0, 2): {
    name: 'scangate'
    scope: vaults[index]
    properties: {
      workspaceId: workspaceId
      logs: [
        {
          category: 'AuditEvent'
          enabled: true
        }
      ]
    }
  }
]

resource workers 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'scangate'
  scope: environment
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'ContainerAppConsoleLogs'
        enabled: true
      }
      {
        category: 'ContainerAppSystemLogs'
        enabled: true
      }
    ]
  }
}

resource images 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = if (ownsRegistry) {
  name: 'scangate'
  scope: registry
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'ContainerRegistryLoginEvents'
        enabled: true
      }
      {
        category: 'ContainerRegistryRepositoryEvents'
        enabled: true
      }
    ]
  }
}
