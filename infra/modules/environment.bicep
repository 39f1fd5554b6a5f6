metadata description = 'The Container Apps environment in which the scan job runs.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the environment.')
param name string

@description('Resource id of the subnet for the jobs; empty = a network of Azure\'s. It cannot be changed later.')
param subnetId string

// Without workload profiles, identities cannot be split between init and main containers.
resource environment 'Microsoft.App/managedEnvironments@2025-01-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    vnetConfiguration: empty(subnetId) ? null : {
      infrastructureSubnetId: subnetId
      internal: true
    }
    // By diagnostic settings: the other destination wants the workspace's shared key.
    appLogsConfiguration: {
      destination: 'azure-monitor'
    }
    workloadProfiles: [
      {
        name: 'Consumption'
        workloadProfileType: 'Consumption'
      }
    ]
  }
}

@description('Resource id of the environment.')
output id string = environment.id
