// The resources that hold data, secrets and identities; what runs on them is in workload.bicep.
targetScope = 'subscription'

metadata description = 'What everything else stands on: identities, storage, vaults, registry, monitoring, and optionally a network.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the resource group.')
param groupName string

@description('Names of the resources, and the token that ends them all.')
param names object

@description('Subscription and resource group of the registry: subscriptionId, group, and whether it is made here: isOurs.')
param registryPlace object

@description('Container for the app\'s packages.')
param deploymentContainer string

@description('Redundancy of storage; Standard_LRS where the region has no zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string

@description('Days for which artifacts and verdicts are kept; more than links in statuses open (30 by default).')
@minValue(1)
@maxValue(3650)
param scanRetentionDays int

@description('Days for which the audit trail is kept.')
@minValue(1)
@maxValue(3650)
param auditRetentionDays int

@description('Days for which deleted blobs can be restored.')
@minValue(1)
@maxValue(365)
param softDeleteDays int

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int

@description('Most gigabytes of logs a day; -1 = no limit. A limit that is reached also silences the alarms.')
@minValue(-1)
param logDailyQuotaGb int

@description('`recover` takes back vaults of an earlier deployment that were deleted and cannot be purged yet.')
@allowed(['default', 'recover'])
param vaultCreateMode string

@description('Tier of a registry that is made; a private one is always Premium.')
@allowed(['Basic', 'Standard', 'Premium'])
param registrySku string

@description('Whether storage, vaults and registry are reached through private endpoints only. Hooks still reach the app. Choose before the first deployment.')
param privateNetworking bool

@description('Address range of the network: a /24 or wider, overlapping none that it is to be peered with.')
param networkAddressPrefix string

@description('Addresses from which vaults and registry may be reached although they are private, such as a build agent\'s.')
param operatorIpRanges array

module identities 'identities.bicep' = {
  name: 'scangate-identities'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    appName: 'id-scangate-app-${names.token}'
    fetchName: 'id-scangate-fetch-${names.token}'
    pullName: 'id-scangate-pull-${names.token}'
  }
}

module monitoring 'monitoring.bicep' = {
  name: 'scangate-monitoring'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    workspaceName: 'log-scangate-${names.token}'
    insightsName: names.insights
    retentionDays: logRetentionDays
    dailyQuotaGb: logDailyQuotaGb
  }
}

module storage 'storage.bicep' = {
  name: 'scangate-storage'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    name: names.storage
    sku: storageSku
    private: privateNetworking
    deploymentContainer: deploymentContainer
    scanRetentionDays: scanRetentionDays
    auditRetentionDays: auditRetentionDays
    softDeleteDays: softDeleteDays
  }
}

// Two vaults, so that the app, which is reached from outside, cannot read the scanner's token.
module appVault 'vault.bicep' = {
  name: 'scangate-app-vault'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    name: names.appVault
    private: privateNetworking
    allowedIpRanges: operatorIpRanges
    createMode: vaultCreateMode
  }
}

module jobVault 'vault.bicep' = {
  name: 'scangate-job-vault'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    name: names.jobVault
    private: privateNetworking
    allowedIpRanges: operatorIpRanges
    createMode: vaultCreateMode
  }
}

module registry 'registry.bicep' = {
  name: 'scangate-registry-${names.token}'
  scope: resourceGroup(registryPlace.subscriptionId, registryPlace.group)
  params: {
    location: location
    tags: tags
    name: names.registry
    create: registryPlace.isOurs
    sku: registrySku
    private: privateNetworking
    allowedIpRanges: operatorIpRanges
  }
}

module network 'network.bicep' = if (privateNetworking) {
  name: 'scangate-network'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    name: 'vnet-scangate-${names.token}'
    addressPrefix: networkAddressPrefix
    appPrefix: cidrSubnet(networkAddressPrefix, 26, 0)
    jobsPrefix: cidrSubnet(networkAddressPrefix, 26, 1)
    endpointsPrefix: cidrSubnet(networkAddressPrefix, 26, 2)
  }
}

var storageEndpoints = [
  {
    name: 'pe-blob-${names.token}'
    id: storage.outputs.id
    group: 'blob'
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    name: 'pe-queue-${names.token}'
    id: storage.outputs.id
    group: 'queue'
    zone: 'privatelink.queue.${environment().suffixes.storage}'
  }
  {
    name: 'pe-table-${names.token}'
    id: storage.outputs.id
    group: 'table'
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
]
var vaultEndpoints = [
  {
    name: 'pe-app-vault-${names.token}'
    id: appVault.outputs.id
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
  {
    name: 'pe-job-vault-${names.token}'
    id: jobVault.outputs.id
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
]
// A registry that existed keeps the network of its owner.
var registryEndpoints = registryPlace.isOurs ? [
  {
    name: 'pe-registry-${names.token}'
    id: registry.outputs.id
    group: 'registry'
    zone: 'privatelink.azurecr.io'
  }
] : []

module privateEndpoints 'private-endpoints.bicep' = if (privateNetworking) {
  name: 'scangate-private-endpoints'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    networkId: network!.outputs.id
    subnetId: network!.outputs.subnets.endpoints
    targets: concat(storageEndpoints, vaultEndpoints, registryEndpoints)
  }
}

// --------------------------------------------------------------------------------------------------- what the others need

@description('The identities app, fetch and pull, each with id, clientId and principalId.')
output identities object = {
  app: identities.outputs.app
  fetch: identities.outputs.fetch
  pull: identities.outputs.pull
}

@description('Addresses of the storage services, each ending with a slash.')
output storageEndpoints object = storage.outputs.endpoints

@description('Address of the vault with the app\'s secrets, ending with a slash.')
output appVaultUri string = appVault.outputs.uri

@description('Address of the vault with the scanner\'s token, ending with a slash.')
output jobVaultUri string = jobVault.outputs.uri

@description('Name under which images are pushed and pulled.')
output registryLoginServer string = registry.outputs.loginServer

@description('Resource id of the Log Analytics workspace.')
output workspaceId string = monitoring.outputs.workspaceId

@description('Resource ids of the subnets app and jobs; empty without a network.')
output subnets object = {
  app: privateNetworking ? network!.outputs.subnets.app : ''
  jobs: privateNetworking ? network!.outputs.subnets.jobs : ''
}

@description('The address from which app and jobs go out; empty without a network.')
output egressAddress string = privateNetworking ? network!.outputs.egressAddress : ''
