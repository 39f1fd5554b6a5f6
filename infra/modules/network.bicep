metadata description = 'The virtual network: one subnet each for the app, the jobs and the private endpoints; one address outward.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the network; the parts are named after it.')
param name string

@description('Address range of the network.')
param addressPrefix string

@description('Address range of the app\'s subnet.')
param appPrefix string

@description('Address range of the jobs\' subnet.')
param jobsPrefix string

@description('Address range of the subnet for private endpoints.')
param endpointsPrefix string

// Egress has one fixed address, which can be put on the allow-lists of Azure DevOps and Qualys.
resource egressAddress 'Microsoft.Network/publicIPAddresses@2024-07-01' = {
  name: '${name}-egress'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    publicIPAllocationMethod: 'Static'
  }
}

resource egress 'Microsoft.Network/natGateways@2024-07-01' = {
  name: '${name}-nat'
  location: location
  tags: tags
  sku: {
    name: 'Standard'
  }
  properties: {
    idleTimeoutInMinutes: 4
    publicIpAddresses: [
      {
        id: egressAddress.id
      }
    ]
  }
}

// Azure's default rules: nothing comes in from the internet, everything may go out.
resource rules 'Microsoft.Network/networkSecurityGroups@2024-07-01' = {
  name: '${name}-nsg'
  location: location
  tags: tags
}

resource network 'Microsoft.Network/virtualNetworks@2024-07-01' = {
  name: name
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [addressPrefix]
    }
    // Declared here and not as resources of their own: a redeployed network would first remove those.
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: appPrefix
          defaultOutboundAccess: false
          natGateway: {
            id: egress.id
          }
          networkSecurityGroup: {
            id: rules.id
          }
          // Flex Consumption runs on the same fabric as Container Apps, but cannot share its subnet.
          delegations: [
            {
              name: 'flex'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'jobs'
        properties: {
          addressPrefix: jobsPrefix
          defaultOutboundAccess: false
          natGateway: {
            id: egress.id
          }
          networkSecurityGroup: {
            id: rules.id
          }
          delegations: [
            {
              name: 'container-apps'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: endpointsPrefix
          defaultOutboundAccess: false
          networkSecurityGroup: {
            id: rules.id
          }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

@description('Resource id of the network.')
output id string = network.id

@description('Resource ids of the subnets.')
output subnets object = {
  app: '${network.id}/subnets/app'
  jobs: '${network.id}/subnets/jobs'
  endpoints: '${network.id}/subnets/endpoints'
}

@description('The address from which the app and the jobs go out.')
output egressAddress string = egressAddress.properties.ipAddress
