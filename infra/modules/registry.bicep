metadata description = 'The container registry that holds the scanner image: a new one, or one that exists.'

@description('Region; only of a new registry.')
param location string

@description('Tags; only of a new registry.')
param tags object

@description('Name of the registry.')
param name string

@description('Whether to make it. Where not, it has to exist in the resource group that this module is deployed to.')
param create bool

@description('Tier of a new registry; private endpoints need Premium.')
@allowed(['Basic', 'Standard', 'Premium'])
param sku string

@description('Whether a new registry is reached through private endpoints only, apart from `allowedIpRanges`.')
param private bool

@description('Addresses from which a private registry may be reached even so.')
param allowedIpRanges array

var allowed = [
  for address in allowedIpRanges: {
    action: 'Allow'
    value: address
  }
]

resource made 'Microsoft.ContainerRegistry/registries@2025-04-01' = if (create) {
  // checkov:skip=CKV_AZURE_139:Disabled with `privateNetworking`; closing a registry needs its dearest tier
  // checkov:skip=CKV_AZURE_163:Scanning of images is the customer's choice in Microsoft Defender, not a setting of the registry
  // checkov:skip=CKV_AZURE_166:Quarantine is a preview that needs a scanner to lift it
  // checkov:skip=CKV_AZURE_233:Zones need the dearest tier; a registry that is away delays scans and loses none
  name: name
  location: location
  tags: tags
  sku: {
    name: private ? 'Premium' : sku
  }
  properties: {
    adminUserEnabled: false
    anonymousPullEnabled: false
    publicNetworkAccess: private && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    networkRuleBypassOptions: 'AzureServices'
    networkRuleSet: !private ? null : {
      defaultAction: 'Deny'
      ipRules: allowed
    }
  }
}

resource known 'Microsoft.ContainerRegistry/registries@2025-04-01' existing = {
  name: name
}

@description('Resource id of the registry.')
output id string = known.id

@description('Name under which images are pushed and pulled.')
output loginServer string = create ? made!.properties.loginServer : known.properties.loginServer
