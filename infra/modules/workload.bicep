// What runs on the foundation. Roles that need the job are given after it, all others before.
targetScope = 'subscription'

metadata description = 'What runs: the function app and the scan job, with the roles that let them.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the resource group.')
param groupName string

@description('Names of the resources, and the token that ends them all.')
param names object

@description('Subscription and resource group of the registry: subscriptionId, group.')
param registryPlace object

@description('The identities app, fetch and pull, each with id, clientId and principalId.')
param identities object

@description('Addresses of the storage services, each ending with a slash.')
param storageEndpoints object

@description('Container for the app\'s packages.')
param deploymentContainer string

@description('Address of the vault with the app\'s secrets, ending with a slash.')
param appVaultUri string

@description('Address of the vault with the scanner\'s token, ending with a slash.')
param jobVaultUri string

@description('Name under which images are pulled.')
param registryLoginServer string

@description('Resource ids of the subnets app and jobs; empty = none.')
param subnets object

@description('Addresses of the Azure DevOps organisations.')
param organisationUrls array

@description('Image of the scan job; empty = the one that the job has, or the placeholder before there is one.')
param scannerImage string

@description('Whether the job was deployed before, so that its image can be kept. azd sets it after the first time.')
param scanJobExists bool

@description('SHA-256 that the QScanner program has to have; empty = what the image was built with.')
param scannerSha256 string

@description('What starts workers: `manual` = the app, `queue` = the platform by the length of scan-attempts.')
@allowed(['manual', 'queue'])
param jobTrigger string

@description('Most workers at once. An environment has 100 cores unless Azure grants more.')
@minValue(1)
@maxValue(1000)
param maxWorkers int

@description('Cores of the scan step; its memory is twice as many GiB. Up to one core the disk has 4 GiB, above 8.')
@allowed(['0.5', '1.0', '2.0', '3.0'])
param scanCpu string

@description('Cores of the fetch step; its memory is twice as many GiB.')
@allowed(['0.25', '0.5', '1.0'])
param fetchCpu string

@description('Longest fetch of a commit, in seconds.')
@minValue(10)
@maxValue(3600)
param fetchLimitSeconds int

@description('Longest run of QScanner, in seconds.')
@minValue(10)
@maxValue(7200)
param scanLimitSeconds int

@description('Whether images are judged. The vault of the job then has to hold the secret `registries` (docs/infrastructure.md).')
param imageScans bool

@description('Resource ids of the container registries in which the identities of app and fetch step may pull.')
param imageRegistries array

@description('Qualys platform, such as US1 or EU1.')
@minLength(3)
@maxLength(4)
param qualysPod string

@description('Address under which the app is reached from outside, if not the one that Azure gives it.')
param publicUrl string

@description('Further app settings by name; they win over those made here.')
param furtherSettings object

@description('Instances that always wait for hooks. With none, the first hook after a pause waits for a cold start.')
@minValue(0)
@maxValue(20)
param alwaysReadyHttpInstances int

@description('Memory of an instance of the app in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Most instances of the app.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int

@description('Whether the app is spread over zones. It doubles the always ready instances.')
param zoneRedundant bool

@description('Principal id of who puts the secrets; empty = that right is given elsewhere.')
param operatorPrincipalId string

@description('Whether that is a person, a group or a service principal.')
@allowed(['User', 'Group', 'ServicePrincipal'])
param operatorPrincipalType string

@description('Tenant whose tokens may order onboarding from the app; empty = nobody may.')
param adminTenantId string

@description('Client id of the app registration that those tokens have to be for.')
param adminClientId string

// Small, public, and ends at once; started by mistake, it does no harm.
var placeholderImage = 'mcr.microsoft.com/k8se/quickstart-jobs:latest'
// Starting, claiming and uploading come on top of the two steps.
var workerLimitSeconds = fetchLimitSeconds + scanLimitSeconds + 300

// ----------------------------------------------------------------------------------------------------------------------- roles

var principals = {
  app: identities.app.principalId
  fetch: identities.fetch.principalId
  pull: identities.pull.principalId
  operator: operatorPrincipalId
}

module rolesFirst 'rbac.bicep' = {
  name: 'scangate-roles-foundation'
  scope: resourceGroup(groupName)
  params: {
    part: 'foundation'
    names: names
    principals: principals
    operatorType: operatorPrincipalType
    platformStartsJob: jobTrigger == 'queue'
  }
}

module rolesOnRegistry 'rbac.bicep' = {
  name: 'scangate-roles-registry-${names.token}'
  scope: resourceGroup(registryPlace.subscriptionId, registryPlace.group)
  params: {
    part: 'registry'
    names: names
    principals: principals
    operatorType: operatorPrincipalType
    platformStartsJob: jobTrigger == 'queue'
  }
}

module rolesOnImages 'rbac.bicep' = [
  for id in imageRegistries: {
    name: 'scangate-roles-images-${uniqueString(names.token, id)}'
    scope: resourceGroup(split(id, '/')[2], split(id, '/')[4])
    params: {
      part: 'images'
      names: union(names, { registry: last(split(id, '/')) })
      principals: principals
      operatorType: operatorPrincipalType
      platformStartsJob: jobTrigger == 'queue'
    }
  }
]

module rolesOnJob 'rbac.bicep' = {
  name: 'scangate-roles-job'
  scope: resourceGroup(groupName)
  params: {
    part: 'job'
    names: names
    principals: principals
    operatorType: operatorPrincipalType
    platformStartsJob: jobTrigger == 'queue'
  }
  dependsOn: [
    scanJob
  ]
}

// ------------------------------------------------------------------------------------------------------------------- the workers

module jobEnvironment 'environment.bicep' = {
  name: 'scangate-environment'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    name: names.environment
    subnetId: subnets.jobs
  }
}

module currentImage 'current-image.bicep' = if (scanJobExists && empty(scannerImage)) {
  name: 'scangate-current-image'
  scope: resourceGroup(groupName)
  params: {
    jobName: names.job
  }
}

module scanJob 'scan-job.bicep' = {
  name: 'scangate-scan-job'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    name: names.job
    environmentId: jobEnvironment.outputs.id
    image: !empty(scannerImage) ? scannerImage : (scanJobExists ? currentImage!.outputs.image : placeholderImage)
    placeholderImage: placeholderImage
    registryServer: registryLoginServer
    trigger: jobTrigger
    maxWorkers: maxWorkers
    timeoutSeconds: workerLimitSeconds
    scanCpu: scanCpu
    fetchCpu: fetchCpu
    fetchIdentity: identities.fetch
    pullIdentity: identities.pull
    storageAccountName: names.storage
    queueEndpoint: storageEndpoints.queue
    devOpsOrganisationUrls: organisationUrls
    qualysTokenUrl: '${jobVaultUri}secrets/qualys-access-token'
    registriesUrl: imageScans ? '${jobVaultUri}secrets/registries' : ''
    scannerSha256: scannerSha256
  }
  dependsOn: [
    rolesFirst
    rolesOnRegistry
  ]
}

// ------------------------------------------------------------------------------------------------------------------------ the app

module functionApp 'function-app.bicep' = {
  name: 'scangate-function-app'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    name: 'func-scangate-${names.token}'
    planName: 'plan-scangate-${names.token}'
    identity: identities.app
    storageAccountName: names.storage
    storageEndpoints: storageEndpoints
    deploymentContainer: deploymentContainer
    insightsName: names.insights
    vaultUri: appVaultUri
    subnetId: subnets.app
    alwaysReadyHttpInstances: alwaysReadyHttpInstances
    instanceMemoryMB: instanceMemoryMB
    maximumInstanceCount: maximumInstanceCount
    zoneRedundant: zoneRedundant
    publicUrl: publicUrl
    qualysPod: qualysPod
    maxWorkers: maxWorkers
    fetchLimitSeconds: fetchLimitSeconds
    scanLimitSeconds: scanLimitSeconds
    jobId: scanJob.outputs.id
    jobTrigger: jobTrigger
    adminTenantId: adminTenantId
    adminClientId: adminClientId
    furtherSettings: furtherSettings
  }
  dependsOn: [
    rolesFirst
  ]
}

// ------------------------------------------------------------------------------------------------- what the others need

@description('Name of the app.')
output appName string = functionApp.outputs.name

@description('Where the app is reached.')
output appUrl string = functionApp.outputs.url
