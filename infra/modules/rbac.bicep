// Every role that a deployment gives, and to whom. docs/security.md lists them with the reasons; a test compares.
// It is deployed in parts, because the registry may stand in another resource group, and because the job cannot be made
// before its identities may pull the image and read the secret, while the role on the job needs the job. Its parameters are
// plain objects: user-defined types make Bicep write `existing` resources into the template, and where the registry
// stands, the others do not exist.
metadata description = 'Every role assignment of a deployment.'

@description('Which roles: `foundation` before the app and the job are made, `registry` in the resource group of the registry with the scanner image, `images` in that of a registry whose images are judged, `job` after the job was made.')
@allowed(['foundation', 'registry', 'images', 'job'])
param part string

@description('Names of the resources on which roles are given: storage, insights, appVault, jobVault, registry, job.')
param names object

@description('Principal ids: app, fetch, pull (the platform), operator (who puts the secrets; empty = nobody gets that right here).')
param principals object

@description('Whether the operator is a person, a group or a service principal.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorType string

@description('Whether the platform starts the job by the length of its queue.')
param platformStartsJob bool

var roles = {
  acrPull: '7f951dda-4ed3-4680-a7ca-43fe172d538d'
  keyVaultSecretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageQueueDataContributor: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  storageQueueDataMessageProcessor: '8a0f0c08-91a1-4084-bc3d-661d67233fed'
  storageQueueDataReader: '19e7f393-937e-4f77-808e-94535e297925'
  storageQueueDelegator: '7ee386e9-84f0-448e-80a6-f185f6533131'
  storageTableDataContributor: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
}

resource storage 'Microsoft.Storage/storageAccounts@2025-01-01' existing = {
  name: names.storage
}

resource queueService 'Microsoft.Storage/storageAccounts/queueServices@2025-01-01' existing = {
  parent: storage
  name: 'default'
}

resource attemptsQueue 'Microsoft.Storage/storageAccounts/queueServices/queues@2025-01-01' existing = {
  parent: queueService
  name: 'scan-attempts'
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: names.insights
}

resource appVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: names.appVault
}

resource jobVault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: names.jobVault
}

resource registry 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: names.registry
}

resource job 'Microsoft.App/jobs@2025-01-01' existing = {
  name: names.job
}

// ---------------------------------------------------------------------------------------------------------- the app
// Also what the Functions host needs for its locks and packages, and what signs links to blobs.
resource appBlobs 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(storage.id, principals.app, roles.storageBlobDataOwner)
  scope: storage
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageBlobDataOwner)
  }
}

// The host writes poison messages, which Message Processor may not.
resource appQueues 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(storage.id, principals.app, roles.storageQueueDataContributor)
  scope: storage
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataContributor)
  }
}

// Signs the add-only links to scan-results; the role above does not hold that action.
resource appQueueLinks 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(storage.id, principals.app, roles.storageQueueDelegator)
  scope: storage
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDelegator)
  }
}

resource appTables 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(storage.id, principals.app, roles.storageTableDataContributor)
  scope: storage
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageTableDataContributor)
  }
}

resource appTelemetry 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(insights.id, principals.app, roles.monitoringMetricsPublisher)
  scope: insights
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.monitoringMetricsPublisher)
  }
}

resource appSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(appVault.id, principals.app, roles.keyVaultSecretsUser)
  scope: appVault
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

// Finds which digests a reference stands for.
resource appImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'images') {
  name: guid(registry.id, principals.app, roles.acrPull)
  scope: registry
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
  }
}

// The built-in Container Apps Jobs Operator also lists secrets. The last two actions, with `stop/execution` and
// `execution` in the singular, are not named by the pages on Container Apps jobs: the spellings are those of the generated
// page "Azure permissions for Compute" (2024) and of third parties' templates. If Azure refuses one, it names the action.
resource workerStarter 'Microsoft.Authorization/roleDefinitions@2022-04-01' = if (part == 'job') {
  name: guid(resourceGroup().id, names.job, 'worker-starter')
  properties: {
    roleName: 'Scangate worker starter (${names.job})'
    description: 'Start, stop and read the executions of the scan job.'
    type: 'CustomRole'
    assignableScopes: [resourceGroup().id]
    permissions: [
      {
        actions: [
          'Microsoft.App/jobs/read'
          'Microsoft.App/jobs/start/action'
          'Microsoft.App/jobs/stop/action'
          'Microsoft.App/jobs/executions/read'
          'Microsoft.App/jobs/execution/read'
          'Microsoft.App/jobs/stop/execution/action'
        ]
        notActions: []
        dataActions: []
        notDataActions: []
      }
    ]
  }
}

resource appJob 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'job') {
  name: guid(job.id, principals.app, workerStarter.id)
  scope: job
  properties: {
    principalId: principals.app
    principalType: 'ServicePrincipal'
    roleDefinitionId: workerStarter.id
  }
}

// --------------------------------------------------------------------------------------------------- the fetch step
resource fetchAttempts 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(attemptsQueue.id, principals.fetch, roles.storageQueueDataMessageProcessor)
  scope: attemptsQueue
  properties: {
    principalId: principals.fetch
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataMessageProcessor)
  }
}

// Gets the token for one repository that the scan step pulls with.
resource fetchImages 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'images') {
  name: guid(registry.id, principals.fetch, roles.acrPull)
  scope: registry
  properties: {
    principalId: principals.fetch
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
  }
}

// ----------------------------------------------------------------------------------------------------- the platform
resource pullImage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'registry') {
  name: guid(registry.id, principals.pull, roles.acrPull)
  scope: registry
  properties: {
    principalId: principals.pull
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.acrPull)
  }
}

resource pullToken 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation') {
  name: guid(jobVault.id, principals.pull, roles.keyVaultSecretsUser)
  scope: jobVault
  properties: {
    principalId: principals.pull
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsUser)
  }
}

// Scaling reads the queue's length.
resource pullQueueLength 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation' && platformStartsJob) {
  name: guid(attemptsQueue.id, principals.pull, roles.storageQueueDataReader)
  scope: attemptsQueue
  properties: {
    principalId: principals.pull
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.storageQueueDataReader)
  }
}

// ----------------------------------------------------------------------------------------------------- the operator
resource operatorAppSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation' && !empty(principals.operator)) {
  name: guid(appVault.id, principals.operator, roles.keyVaultSecretsOfficer)
  scope: appVault
  properties: {
    principalId: principals.operator
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
  }
}

resource operatorJobSecrets 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (part == 'foundation' && !empty(principals.operator)) {
  name: guid(jobVault.id, principals.operator, roles.keyVaultSecretsOfficer)
  scope: jobVault
  properties: {
    principalId: principals.operator
    principalType: operatorType
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.keyVaultSecretsOfficer)
  }
}
