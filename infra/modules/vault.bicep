metadata description = 'A key vault. Its secrets are put by the operator, never by a deployment.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the vault.')
param name string

@description('Whether the vault is reached through private endpoints only, apart from `allowedIpRanges`.')
param private bool

@description('Addresses from which the vault may be reached even so, as ranges such as 203.0.113.0/28.')
param allowedIpRanges array

@description('`recover` takes back a vault of this name that was deleted and cannot be purged yet; `default` otherwise.')
@allowed(['default', 'recover'])
param createMode string

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' = {
  // checkov:skip=CKV_AZURE_109:Denied with `privateNetworking`. Without a network of its own the app is a public client; every request needs an Entra token and a role
  // checkov:skip=CKV_AZURE_189:Disabled with `privateNetworking`, for the same reason
  name: name
  location: location
  tags: tags
  properties: {
    tenantId: tenant().tenantId
    sku: {
      family: 'A'
      name: 'standard'
    }
    createMode: createMode
    enableRbacAuthorization: true
    enableSoftDelete: true
    enablePurgeProtection: true
    softDeleteRetentionInDays: 90
    enabledForDeployment: false
    enabledForDiskEncryption: false
    enabledForTemplateDeployment: false
    publicNetworkAccess: private && empty(allowedIpRanges) ? 'Disabled' : 'Enabled'
    networkAcls: {
      bypass: 'AzureServices'
      defaultAction: private ? 'Deny' : 'Allow'
      ipRules: [
        for address in allowedIpRanges: {
          value: address
        }
      ]
    }
  }
}

@description('Resource id of the vault.')
output id string = vault.id

@description('Address of the vault, ending with a slash.')
output uri string = vault.properties.vaultUri
