targetScope = 'subscription'

metadata description = 'Diagnostics, alarms and the workbook.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Name of the resource group.')
param groupName string

@description('Names of the resources, and the token that ends them all.')
param names object

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Whether the registry is made here.')
param ownsRegistry bool

@description('Addresses that alarms are mailed to.')
param emails array

@description('Whether the alarms are on. service-silent fires until the app is deployed.')
param alarmsEnabled bool

@description('Attempts that may be lost in half an hour before an alarm.')
@minValue(0)
param attemptsLostLimit int

@description('Percentage of attempts that may fail in an hour before an alarm.')
@minValue(1)
@maxValue(100)
param failureRatePercent int

@description('Milliseconds within which 95 of 100 hooks are to be answered.')
@minValue(100)
param acknowledgementMilliseconds int

// ----------------------------------------------------------------------------------------------------------------------- watching

module diagnostics 'diagnostics.bicep' = {
  name: 'scangate-diagnostics'
  scope: resourceGroup(groupName)
  params: {
    workspaceId: workspaceId
    storageAccountName: names.storage
    appVaultName: names.appVault
    jobVaultName: names.jobVault
    environmentName: names.environment
    registryName: names.registry
    ownsRegistry: ownsRegistry
  }
}

module alarms 'alarms.bicep' = {
  name: 'scangate-alarms'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    workspaceId: workspaceId
    enabled: alarmsEnabled
    emails: emails
    attemptsLostLimit: attemptsLostLimit
    failureRatePercent: failureRatePercent
    acknowledgementMilliseconds: acknowledgementMilliseconds
  }
}

module workbook 'workbook.bicep' = {
  name: 'scangate-workbook'
  scope: resourceGroup(groupName)
  params: {
    location: location
    tags: tags
    workspaceId: workspaceId
  }
}
