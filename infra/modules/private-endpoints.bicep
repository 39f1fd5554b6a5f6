metadata description = 'Private endpoints in the network, and the DNS zones by which they are found.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Resource id of the network that is to find them.')
param networkId string

@description('Resource id of the subnet that is to hold them.')
param subnetId string

@description('What to reach: objects with name, id (of the resource), group (the part of it) and zone (its private DNS zone).')
param targets array

var zoneOfEach = [for target in targets: target.zone]
// Each once.
var zoneNames = union(zoneOfEach, [])

resource zones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zoneNames: {
    name: zone
    location: 'global'
    tags: tags
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for index in range(0, length(zoneNames)): {
    parent: zones[index]
    name: 'scangate'
    location: 'global'
    tags: tags
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: networkId
      }
    }
  }
]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-07-01' = [
  for target in targets: {
    name: target.name
    location: location
    tags: tags
    properties: {
      subnet: {
        id: subnetId
      }
      privateLinkServiceConnections: [
        {
          name: target.name
          properties: {
            privateLinkServiceId: target.id
            groupIds: [target.group]
          }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-07-01' = [
  for index in range(0, length(targets)): {
    parent: endpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: targets[index].group
          properties: {
            privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', targets[index].zone)
          }
        }
      ]
    }
    dependsOn: [
      zones
      links
    ]
  }
]
