metadata description = 'The job whose executions are workers: fetch in an init container, scan in the main one.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the job.')
param name string

@description('Resource id of the Container Apps environment.')
param environmentId string

@description('Image of both steps.')
param image string

@description('Image that stands in until the real one is pushed. While it does, no secret is asked for.')
param placeholderImage string

@description('Registry that the image is pulled from.')
param registryServer string

@description('`manual`: the app starts each worker. `queue`: the platform does, by the length of scan-attempts.')
@allowed(['manual', 'queue'])
param trigger string

@description('Most workers at once where the platform starts them.')
@minValue(1)
param maxWorkers int

@description('Seconds after which the platform ends a worker.')
@minValue(60)
param timeoutSeconds int

@description('Cores of the scan step; memory is twice as many GiB.')
@allowed(['0.5', '1.0', '2.0', '3.0'])
param scanCpu string

@description('Cores of the fetch step; memory is twice as many GiB.')
@allowed(['0.25', '0.5', '1.0'])
param fetchCpu string

@description('The fetch step\'s identity: id, clientId.')
param fetchIdentity object

@description('The platform\'s identity: id.')
param pullIdentity object

@description('Name of the storage account.')
param storageAccountName string

@description('Address of the queue service, ending with a slash.')
param queueEndpoint string

@description('Addresses of the Azure DevOps organisations.')
param devOpsOrganisationUrls array

@description('Address in the key vault of the secret with the Qualys access token, without a version.')
param qualysTokenUrl string

@description('Address in the key vault of the secret with the container registries that fetch may ask, without a version; empty = it asks none.')
param registriesUrl string

@description('SHA-256 that the QScanner program has to have; empty = what the image says.')
param scannerSha256 string

var folder = '/work'
var queue = 'scan-attempts'
var memory = {
  '0.25': '0.5Gi'
  '0.5': '1Gi'
  '1.0': '2Gi'
  '2.0': '4Gi'
  '3.0': '6Gi'
}
var isReady = image != placeholderImage
var asksRegistries = isReady && !empty(registriesUrl)
var tokenName = 'qualys-access-token'
var registriesName = 'registries'
var mounts = [
  {
    volumeName: 'work'
    mountPath: folder
  }
]
var folderVariable = [
  {
    name: 'SCANGATE_WORKER_DIR'
    value: folder
  }
]
var origins = [for url in devOpsOrganisationUrls: '${url}/']
var fetchVariables = [
  {
    name: 'SCANGATE_ATTEMPTS_QUEUE'
    value: '${queueEndpoint}${queue}'
  }
  {
    name: 'SCANGATE_DEVOPS_ORIGINS'
    value: string(origins)
  }
  {
    name: 'AZURE_CLIENT_ID'
    value: fetchIdentity.clientId
  }
]
var tokenVariable = [
  {
    name: 'QUALYS_ACCESS_TOKEN'
    secretRef: tokenName
  }
]
// Passwords of registries may stand in it, so it comes from the vault as well, and to this step alone.
var registriesVariable = [
  {
    name: 'SCANGATE_REGISTRIES'
    secretRef: registriesName
  }
]
// An empty value would override what the image was built with, so it is left out.
var sumVariable = [
  {
    name: 'SCANGATE_QSCANNER_SHA256'
    value: scannerSha256
  }
]

resource job 'Microsoft.App/jobs@2025-01-01' = {
  name: name
  location: location
  tags: tags
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${fetchIdentity.id}': {}
      '${pullIdentity.id}': {}
    }
  }
  properties: {
    environmentId: environmentId
    workloadProfileName: 'Consumption'
    configuration: {
      triggerType: trigger == 'queue' ? 'Event' : 'Manual'
      // Retries are attempts of their own, counted and explained; one that the platform repeats would find its claim taken.
      replicaRetryLimit: 0
      replicaTimeout: timeoutSeconds
      manualTriggerConfig: trigger == 'queue' ? null : {
        parallelism: 1
        replicaCompletionCount: 1
      }
      eventTriggerConfig: trigger != 'queue' ? null : {
        parallelism: 1
        replicaCompletionCount: 1
        scale: {
          minExecutions: 0
          maxExecutions: maxWorkers
          pollingInterval: 10
          rules: [
            {
              name: queue
              type: 'azure-queue'
              metadata: {
                accountName: storageAccountName
                queueName: queue
                queueLength: '1'
              }
              identity: pullIdentity.id
            }
          ]
        }
      }
      registries: [
        {
          server: registryServer
          identity: pullIdentity.id
        }
      ]
      secrets: concat(isReady ? [
        {
          name: tokenName
          keyVaultUrl: qualysTokenUrl
          identity: pullIdentity.id
        }
      ] : [], asksRegistries ? [
        {
          name: registriesName
          keyVaultUrl: registriesUrl
          identity: pullIdentity.id
        }
      ] : [])
      // What each identity may be used for: `Init` by init containers alone; `None` by the platform alone. Nothing is
      // left for the main container, where code under scan is read.
      identitySettings: [
        {
          identity: fetchIdentity.id
          lifecycle: 'Init'
        }
        {
          identity: pullIdentity.id
          lifecycle: 'None'
        }
      ]
    }
    template: {
      initContainers: [
        {
          name: 'fetch'
          image: image
          args: ['fetch']
          env: concat(folderVariable, fetchVariables, asksRegistries ? registriesVariable : [])
          resources: {
            cpu: json(fetchCpu)
            memory: memory[fetchCpu]
          }
          volumeMounts: mounts
        }
      ]
      containers: [
        {
          name: 'scan'
          image: image
          args: ['scan']
          env: concat(folderVariable, isReady ? tokenVariable : [], empty(scannerSha256) ? [] : sumVariable)
          resources: {
            cpu: json(scanCpu)
            memory: memory[scanCpu]
          }
          volumeMounts: mounts
        }
      ]
      volumes: [
        {
          name: 'work'
          storageType: 'EmptyDir'
        }
      ]
    }
  }
}

@description('Resource id of the job.')
output id string = job.id
