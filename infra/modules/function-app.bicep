metadata description = 'The function app on Flex Consumption: hooks, lifecycle, pages.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the app.')
param name string

@description('Name of its plan.')
param planName string

@description('The app\'s identity: id, clientId.')
param identity object

@description('Name of the storage account.')
param storageAccountName string

@description('Addresses of the storage services: blob, queue, table.')
param storageEndpoints object

@description('Container for the app\'s packages.')
param deploymentContainer string

@description('Name of the Application Insights component.')
param insightsName string

@description('Address of the vault with the app\'s secrets, ending with a slash.')
param vaultUri string

@description('Resource id of the subnet for the app; empty = none.')
param subnetId string

@description('Instances that always wait for HTTP requests.')
@minValue(0)
param alwaysReadyHttpInstances int

@description('Memory of an instance in MB.')
@allowed([512, 2048, 4096])
param instanceMemoryMB int

@description('Most instances.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int

@description('Whether instances are spread over zones.')
param zoneRedundant bool

@description('Address under which the app is reached from outside; empty = the one that Azure gives it.')
param publicUrl string

@description('Qualys platform.')
param qualysPod string

@description('Most workers at once.')
param maxWorkers int

@description('Longest fetch, in seconds.')
param fetchLimitSeconds int

@description('Longest run of QScanner, in seconds.')
param scanLimitSeconds int

@description('Resource id of the scan job.')
param jobId string

@description('What starts the job: `manual` = the app, `queue` = the platform.')
param jobTrigger string

@description('Tenant whose tokens may order onboarding from the app; empty = nobody may.')
param adminTenantId string

@description('Client id of the app registration that those tokens have to be for.')
param adminClientId string

@description('Further app settings, by name; they win over those made here.')
param furtherSettings object

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-11-01' = {
  // checkov:skip=CKV_AZURE_225:It is the parameter `zoneRedundant`, which doubles the always ready instances and their price
  name: planName
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    name: 'FC1'
    tier: 'FlexConsumption'
  }
  properties: {
    reserved: true
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2024-11-01' = {
  // checkov:skip=CKV_AZURE_17:Azure DevOps sends no client certificate with a hook
  // checkov:skip=CKV_AZURE_71:The identity is user-assigned, so that its roles stand before the app does
  // checkov:skip=CKV_AZURE_78:Flex Consumption has no FTP, and the passwords that it would take are off
  // checkov:skip=CKV_AZURE_212:Flex Consumption counts instances below: `alwaysReadyHttpInstances`
  // checkov:skip=CKV_AZURE_213:Flex Consumption has no health check of the platform; the alarm service-silent watches instead
  // checkov:skip=CKV_AZURE_222:Hooks come from Azure DevOps in the cloud, so the app has to be public; it refuses everything else by 401
  name: name
  location: location
  // `azd deploy` finds the app by this tag.
  tags: union(tags, { 'azd-service-name': 'app' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    publicNetworkAccess: 'Enabled'
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${storageEndpoints.blob}${deploymentContainer}'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        alwaysReady: alwaysReadyHttpInstances == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReadyHttpInstances
          }
        ]
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
      }
    }
    siteConfig: {
      http20Enabled: true
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
    }
  }
}

resource noFtpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource noPublishingPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-11-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

// FUNCTIONS_WORKER_RUNTIME, FUNCTIONS_EXTENSION_VERSION, WEBSITE_RUN_FROM_PACKAGE and SCM_DO_BUILD_DURING_DEPLOYMENT must
// not stand here: Flex Consumption takes them from functionAppConfig.
var hostSettings = {
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.clientId
  AzureWebJobsStorage__blobServiceUri: storageEndpoints.blob
  AzureWebJobsStorage__queueServiceUri: storageEndpoints.queue
  AzureWebJobsStorage__tableServiceUri: storageEndpoints.table
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.clientId};Authorization=AAD'
  PYTHON_APPLICATIONINSIGHTS_ENABLE_TELEMETRY: 'true'
}

var appSettings = {
  SCANGATE_ORGANISATIONS: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/organisations)'
  SCANGATE_SIGNING_KEYS: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/signing-keys)'
  SCANGATE_SEALING_KEYS: '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/sealing-keys)'
  SCANGATE_STORAGE_ACCOUNT: storageAccountName
  SCANGATE_IDENTITY_CLIENT_ID: identity.clientId
  SCANGATE_QUALYS_POD: qualysPod
  SCANGATE_MAX_WORKERS: string(maxWorkers)
  SCANGATE_FETCH_LIMIT_SECONDS: string(fetchLimitSeconds)
  SCANGATE_SCAN_LIMIT_SECONDS: string(scanLimitSeconds)
  SCANGATE_RUNNER: jobTrigger == 'queue' ? 'none' : 'container_apps'
  SCANGATE_JOB_RESOURCE_ID: jobId
}

// An empty value would be no tenant, so it is left out.
var orderSettings = empty(adminClientId) ? {} : {
  SCANGATE_ADMIN_TENANT_ID: adminTenantId
  SCANGATE_ADMIN_CLIENT_ID: adminClientId
  SCANGATE_ADMIN_AUTHORITY: environment().authentication.loginEndpoint
}

// A resource of its own, because the app's host name is known only when the app is there.
resource settings 'Microsoft.Web/sites/config@2024-11-01' = {
  // checkov:skip=CKV_AZURE_13:Hooks authenticate by their own secret and pages by signed links; Azure DevOps gets no Entra token for a hook
  // checkov:skip=CKV_AZURE_63:Flex Consumption has no such log; requests stand in Application Insights
  // checkov:skip=CKV_AZURE_65:Flex Consumption has no such log; errors stand in Application Insights
  // checkov:skip=CKV_AZURE_66:Flex Consumption has no such log; failed requests stand in Application Insights
  // checkov:skip=CKV_AZURE_80:There is no .NET here
  // checkov:skip=CKV_AZURE_88:The app keeps nothing in a file system
  // checkov:skip=CKV_AZURE_222:Asked of the app itself, above; these are its environment variables
  parent: app
  name: 'appsettings'
  properties: union(
    hostSettings,
    appSettings,
    orderSettings,
    {
      APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
      SCANGATE_PUBLIC_URL: empty(publicUrl) ? 'https://${app.properties.defaultHostName}' : publicUrl
    },
    furtherSettings
  )
}

@description('Resource id of the app.')
output id string = app.id

@description('Name of the app.')
output name string = app.name

@description('Where the app is reached.')
output url string = 'https://${app.properties.defaultHostName}'
