// Three identities, so that each step holds only what it needs. The scan container has none.
metadata description = 'The user-assigned identities of the app, the fetch step and the platform (image pull, secret, scaling).'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the identity of the function app: serves hooks, judges, starts workers, posts statuses.')
param appName string

@description('Name of the identity of the fetch step: claims attempts and reads source from Azure DevOps.')
param fetchName string

@description('Name of the identity that only the platform uses: it pulls the image, reads the scanner\'s token and measures the queue. No container can use it.')
param pullName string

resource app 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: appName
  location: location
  tags: tags
}

resource fetch 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: fetchName
  location: location
  tags: tags
}

resource pull 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: pullName
  location: location
  tags: tags
}

@description('The app\'s identity: resource id, client id, principal id.')
output app object = {
  id: app.id
  clientId: app.properties.clientId
  principalId: app.properties.principalId
}

@description('The fetch step\'s identity: resource id, client id, principal id.')
output fetch object = {
  id: fetch.id
  clientId: fetch.properties.clientId
  principalId: fetch.properties.principalId
}

@description('The platform\'s identity: resource id, client id, principal id.')
output pull object = {
  id: pull.id
  clientId: pull.properties.clientId
  principalId: pull.properties.principalId
}
