// Everything that Scangate needs in Azure, deployed once for an Azure DevOps organisation. See docs/infrastructure.md.
targetScope = 'subscription'

metadata description = 'Scangate: function app, scan job, storage, vaults, identities, monitoring, and optionally a network.'

// ------------------------------------------------------------------------------------------------------------ what, where

@description('Name of this deployment, such as `prod`. With subscription and region it decides every name.')
@minLength(1)
@maxLength(20)
param environmentName string

@description('Region.')
@minLength(1)
param location string

@description('Name of the resource group; empty = made from the name of the deployment.')
param resourceGroupName string = ''

@description('Whether to make the resource group. Where not, it has to exist.')
param createResourceGroup bool = true

@description('Tags for every resource.')
param tags object = {}

// -------------------------------------------------------------------------------------------------------- the gate itself

@description('Addresses of the Azure DevOps organisations, separated by commas, such as https://dev.azure.com/fabrikam. The secret `organisations` has to name the same ones.')
@minLength(12)
param devOpsOrganisationUrls string

@description('Qualys platform, such as US1 or EU1.')
@minLength(3)
@maxLength(4)
param qualysPod string = 'US1'

@description('Address under which the app is reached from outside, if not the one that Azure gives it.')
param publicUrl string = ''

@description('Tenant whose tokens may order onboarding from the app; empty = this one.')
param adminTenantId string = ''

@description('Client id of the app registration for orders to onboard (docs/deploy.md); empty = the app takes none.')
param adminClientId string = ''

@description('Further app settings by name; they win over those made here.')
param furtherSettings object = {}

// ------------------------------------------------------------------------------------------------------------- the workers

@description('Image of the scan job, by digest: registry/name@sha256:…. Empty = the image that the job has, or a placeholder before there is one.')
param scannerImage string = ''

@description('Whether the job was deployed before, so that its image can be kept. azd sets it after the first time.')
param scanJobExists bool = false

@description('SHA-256 that the QScanner program has to have; empty = what the image was built with.')
param scannerSha256 string = ''

@description('What starts workers: `manual` = the app, `queue` = the platform by the length of scan-attempts.')
@allowed(['manual', 'queue'])
param jobTrigger string = 'manual'

@description('Most workers at once. An environment has 100 cores unless Azure grants more.')
@minValue(1)
@maxValue(1000)
param maxWorkers int = 10

@description('Cores of the scan step; its memory is twice as many GiB. Up to one core the disk has 4 GiB, above 8.')
@allowed(['0.5', '1.0', '2.0', '3.0'])
param scanCpu string = '2.0'

@description('Cores of the fetch step; its memory is twice as many GiB.')
@allowed(['0.25', '0.5', '1.0'])
param fetchCpu string = '0.5'

@description('Longest fetch of a commit, in seconds.')
@minValue(10)
@maxValue(3600)
param fetchLimitSeconds int = 300

@description('Longest run of QScanner, in seconds.')
@minValue(10)
@maxValue(7200)
param scanLimitSeconds int = 600

// ---------------------------------------------------------------------------------------------------------------- the images

@description('Whether images are judged. The vault of the job then has to hold the secret `registries` (docs/infrastructure.md).')
param imageScans bool = false

@description('Resource ids of the container registries whose images are judged as the identities of app and fetch step, separated by commas; both may pull there. Registries with a login of their own are not named.')
param imageRegistryIds string = ''

// ----------------------------------------------------------------------------------------------------------------- the app

@description('Instances that always wait for hooks. With none, the first hook after a pause waits for a cold start.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttpInstances int = 1

@description('Memory of an instance of the app in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int = 2048

@description('Most instances of the app.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Whether the app is spread over zones. It doubles the always ready instances.')
param zoneRedundant bool = false

// -------------------------------------------------------------------------------------------------------- storage and keeping

@description('Redundancy of storage; Standard_LRS where the region has no zones.')
@allowed(['Standard_LRS', 'Standard_ZRS', 'Standard_GRS', 'Standard_GZRS'])
param storageSku string = 'Standard_ZRS'

@description('Days for which artifacts and verdicts are kept; more than links in statuses open (30 by default).')
@minValue(1)
@maxValue(3650)
param scanRetentionDays int = 90

@description('Days for which the audit trail is kept.')
@minValue(1)
@maxValue(3650)
param auditRetentionDays int = 400

@description('Days for which deleted blobs can be restored.')
@minValue(1)
@maxValue(365)
param softDeleteDays int = 7

@description('Days for which logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 90

@description('Most gigabytes of logs a day; -1 = no limit. A limit that is reached also silences the alarms.')
@minValue(-1)
param logDailyQuotaGb int = -1

// ------------------------------------------------------------------------------------------------------ secrets and registry

@description('Principal id of who puts the secrets; empty = that right is given elsewhere.')
param operatorPrincipalId string = ''

@description('Whether that is a person, a group or a service principal.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorPrincipalType string = 'User'

@description('`recover` takes back vaults of an earlier deployment that were deleted and cannot be purged yet.')
@allowed(['default', 'recover'])
param vaultCreateMode string = 'default'

@description('Resource id of a container registry that exists; empty = one is made.')
param existingRegistryId string = ''

@description('Tier of a registry that is made; a private one is always Premium.')
@allowed(['Basic', 'Standard', 'Premium'])
param registrySku string = 'Basic'

// ----------------------------------------------------------------------------------------------------------------- the alarms

@description('Addresses that alarms are mailed to, separated by commas; empty = alarms only show in the portal.')
param alarmEmails string = ''

@description('Whether the alarms are on. service-silent fires until the app is deployed.')
param alarmsEnabled bool = true

@description('Attempts that may be lost in half an hour before an alarm.')
@minValue(0)
param attemptsLostLimit int = 2

@description('Percentage of attempts that may fail in an hour before an alarm.')
@minValue(1)
@maxValue(100)
param failureRatePercent int = 25

@description('Milliseconds within which 95 of 100 hooks are to be answered.')
@minValue(100)
param acknowledgementMilliseconds int = 2000

// ---------------------------------------------------------------------------------------------------------------- the network

@description('Whether storage, vaults and registry are reached through private endpoints only. Hooks still reach the app. Choose before the first deployment.')
param privateNetworking bool = false

@description('Address range of the network: a /24 or wider, overlapping none that it is to be peered with.')
param networkAddressPrefix string = '10.90.0.0/24'

@description('Addresses from which vaults and registry may be reached although they are private, such as a build agent\'s.')
param operatorIpRanges array = []

// ---------------------------------------------------------------------------------------------------------------------- names

var token = uniqueString(subscription().id, environmentName, location)
var groupName = empty(resourceGroupName) ? 'rg-scangate-${environmentName}' : resourceGroupName
var ownsRegistry = empty(existingRegistryId)
var registryParts = split(existingRegistryId, '/')
var registryPlace = {
  subscriptionId: ownsRegistry ? subscription().subscriptionId : registryParts[2]
  group: ownsRegistry ? groupName : registryParts[4]
  isOurs: ownsRegistry
}
var names = {
  storage: 'stscangate${token}'
  insights: 'appi-scangate-${token}'
  appVault: 'kv-app-${token}'
  jobVault: 'kv-job-${token}'
  registry: ownsRegistry ? 'crscangate${token}' : last(registryParts)
  job: 'job-scan-${token}'
  environment: 'cae-scangate-${token}'
  token: token
}
var deploymentContainer = 'deployments'
var allTags = union(tags, { 'azd-env-name': environmentName })
var organisationUrls = [for url in split(devOpsOrganisationUrls, ','): trim(url)]
var imageRegistries = [for id in (empty(imageRegistryIds) ? [] : split(imageRegistryIds, ',')): trim(id)]
var emails = [for address in (empty(alarmEmails) ? [] : split(alarmEmails, ',')): trim(address)]

// ------------------------------------------------------------------------------------------------------------------ resources

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = if (createResourceGroup) {
  name: groupName
  location: location
  tags: allTags
}

module foundation 'modules/foundation.bicep' = {
  name: 'scangate-foundation'
  params: {
    tags: allTags
    location: location
    groupName: groupName
    names: names
    registryPlace: registryPlace
    deploymentContainer: deploymentContainer
    storageSku: storageSku
    scanRetentionDays: scanRetentionDays
    auditRetentionDays: auditRetentionDays
    softDeleteDays: softDeleteDays
    logRetentionDays: logRetentionDays
    logDailyQuotaGb: logDailyQuotaGb
    vaultCreateMode: vaultCreateMode
    registrySku: registrySku
    privateNetworking: privateNetworking
    networkAddressPrefix: networkAddressPrefix
    operatorIpRanges: operatorIpRanges
  }
  dependsOn: [
    group
  ]
}

module workload 'modules/workload.bicep' = {
  name: 'scangate-workload'
  params: {
    tags: allTags
    location: location
    groupName: groupName
    names: names
    registryPlace: registryPlace
    deploymentContainer: deploymentContainer
    organisationUrls: organisationUrls
    scannerImage: scannerImage
    scanJobExists: scanJobExists
    scannerSha256: scannerSha256
    jobTrigger: jobTrigger
    maxWorkers: maxWorkers
    scanCpu: scanCpu
    fetchCpu: fetchCpu
    fetchLimitSeconds: fetchLimitSeconds
    scanLimitSeconds: scanLimitSeconds
    imageScans: imageScans
    imageRegistries: imageRegistries
    qualysPod: qualysPod
    publicUrl: publicUrl
    furtherSettings: furtherSettings
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    zoneRedundant: zoneRedundant
    operatorPrincipalId: operatorPrincipalId
    operatorPrincipalType: operatorPrincipalType
    adminClientId: adminClientId
    adminTenantId: empty(adminTenantId) ? tenant().tenantId : adminTenantId
    identities: foundation.outputs.identities
    storageEndpoints: foundation.outputs.storageEndpoints
    appVaultUri: foundation.outputs.appVaultUri
    jobVaultUri: foundation.outputs.jobVaultUri
    registryLoginServer: foundation.outputs.registryLoginServer
    subnets: foundation.outputs.subnets
  }
}

module watching 'modules/watching.bicep' = {
  name: 'scangate-watching'
  params: {
    tags: allTags
    location: location
    groupName: groupName
    names: names
    ownsRegistry: ownsRegistry
    emails: emails
    alarmsEnabled: alarmsEnabled
    attemptsLostLimit: attemptsLostLimit
    failureRatePercent: failureRatePercent
    acknowledgementMilliseconds: acknowledgementMilliseconds
    workspaceId: foundation.outputs.workspaceId
  }
  // Diagnostics are set on the environment of the job too.
  dependsOn: [
    workload
  ]
}

// ------------------------------------------------------------------------------------ what the next commands need; no secret

@description('The resource group.')
output AZURE_RESOURCE_GROUP string = groupName

@description('Name of the app.')
output APP_NAME string = workload.outputs.appName

@description('Where the app is reached: hooks go to /api/hooks/<organisation>, health is at /api/health.')
output APP_URL string = workload.outputs.appUrl

@description('The vault for `organisations`, `signing-keys` and `sealing-keys`.')
output APP_VAULT_NAME string = names.appVault

@description('The vault for `qualys-access-token` and `registries`.')
output JOB_VAULT_NAME string = names.jobVault

@description('The registry that the scanner image is pushed to.')
output AZURE_CONTAINER_REGISTRY_ENDPOINT string = foundation.outputs.registryLoginServer

@description('The scan job.')
output SCAN_JOB_NAME string = names.job

@description('True from now on, so that the next deployment keeps the job\'s image.')
output SCAN_JOB_EXISTS bool = true

@description('Client id of the app\'s identity, which posts statuses; it has to be added to the Azure DevOps organisation.')
output APP_IDENTITY_CLIENT_ID string = foundation.outputs.identities.app.clientId

@description('Client id of the fetch step\'s identity, which reads code; it has to be added to the Azure DevOps organisation.')
output FETCH_IDENTITY_CLIENT_ID string = foundation.outputs.identities.fetch.clientId

@description('Object id of the app\'s identity, for `scangate identities add --app`.')
output APP_IDENTITY_OBJECT_ID string = foundation.outputs.identities.app.principalId

@description('Object id of the fetch step\'s identity, for `scangate identities add --fetch`.')
output FETCH_IDENTITY_OBJECT_ID string = foundation.outputs.identities.fetch.principalId

@description('The address from which app and jobs go out; empty without a network of their own.')
output EGRESS_ADDRESS string = foundation.outputs.egressAddress
