metadata description = 'The storage account: state in tables, work in queues, content in blobs; Entra tokens only.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the storage account.')
param name string

@description('Redundancy.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param sku string

@description('Whether the account is reached through private endpoints only.')
param private bool

@description('Container for the function app\'s packages.')
param deploymentContainer string

@description('Days for which the artifacts of scans and the verdicts are kept after they were written.')
@minValue(1)
param scanRetentionDays int

@description('Days for which the audit trail is kept after it was last written.')
@minValue(1)
param auditRetentionDays int

@description('Days for which deleted blobs and containers can be restored.')
@minValue(1)
@maxValue(365)
param softDeleteDays int

// The names that the code uses; a test holds them together.
var tables = ['gates', 'scans']
var queues = ['scan-requests', 'scan-attempts', 'scan-results', 'onboardings']
// The Functions host moves a message there after its last try. The worker reads scan-attempts, which has no such queue.
var poisonQueues = ['scan-requests-poison', 'scan-results-poison']
var containers = ['scans', 'gates', 'audit']

resource account 'Microsoft.Storage/storageAccounts@2025-01-01' = {
  // checkov:skip=CKV_AZURE_206:Redundancy is the parameter `sku`; its default keeps copies in three zones
  // checkov:skip=CKV_AZURE_35:Denied with `privateNetworking`. Without a network of its own the app is a public client; every request needs an Entra token
  // checkov:skip=CKV_AZURE_59:Disabled with `privateNetworking`, for the same reason
  name: name
  location: location
  tags: tags
  kind: 'StorageV2'
  sku: {
    name: sku
  }
  properties: {
    accessTier: 'Hot'
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    allowSharedKeyAccess: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    publicNetworkAccess: private ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: private ? 'Deny' : 'Allow'
    }
    encryption: {
      keySource: 'Microsoft.Storage'
      requireInfrastructureEncryption: true
      services: {
        blob: {
          enabled: true
          keyType: 'Account'
        }
        queue: {
          enabled: true
          keyType: 'Account'
        }
        table: {
          enabled: true
          keyType: 'Account'
        }
      }
    }
  }
}

resource blobService 'Microsoft.Storage/storageAccounts/blobServices@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: softDeleteDays
    }
  }
}

resource blobContainers 'Microsoft.Storage/storageAccounts/blobServices/containers@2025-01-01' = [
  for container in concat(containers, [deploymentContainer]): {
    parent: blobService
    name: container
    properties: {
      publicAccess: 'None'
    }
  }
]

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource queuesOfWork 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' = [
  for queue in concat(queues, poisonQueues): {
    parent: queueService
    name: queue
  }
]

resource tableService 'Microsoft.Storage/storageAccounts/tableServices@2025-01-01' = {
  parent: account
  name: 'default'
}

resource tablesOfState 'Microsoft.Storage/storageAccounts/tableServices/tables@2025-01-01' = [
  for table in tables: {
    parent: tableService
    name: table
  }
]

// Names of blobs begin with their container. The audit's blobs are append blobs.
resource retention 'Microsoft.Storage/storageAccounts/managementPolicies@2025-01-01' = {
  parent: account
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'scans-and-verdicts'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['blockBlob']
              prefixMatch: ['scans/', 'gates/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: scanRetentionDays
                }
              }
            }
          }
        }
        {
          name: 'audit'
          type: 'Lifecycle'
          definition: {
            filters: {
              blobTypes: ['appendBlob', 'blockBlob']
              prefixMatch: ['audit/']
            }
            actions: {
              baseBlob: {
                delete: {
                  daysAfterModificationGreaterThan: auditRetentionDays
                }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [
    blobContainers
  ]
}

@description('Resource id of the account.')
output id string = account.id

@description('Addresses of its services, each ending with a slash.')
output endpoints object = {
  blob: account.properties.primaryEndpoints.blob
  queue: account.properties.primaryEndpoints.queue
  table: account.properties.primaryEndpoints.table
}
