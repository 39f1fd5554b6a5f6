// Each query counts structured events of the code into one column, `measure`; a test holds their names together.
metadata description = 'Alarms on what the app logs, and whom they tell.'

@description('Region.')
param location string

@description('Tags for every resource.')
param tags object

@description('Resource id of the Log Analytics workspace.')
param workspaceId string

@description('Whether the alarms are on.')
param enabled bool

@description('Addresses that get a mail.')
param emails array

@description('Attempts that may be lost in half an hour.')
@minValue(0)
param attemptsLostLimit int

@description('Percentage of attempts that may fail in an hour.')
@minValue(1)
@maxValue(100)
param failureRatePercent int

@description('Milliseconds within which 95 of 100 hooks are to be answered.')
@minValue(100)
param acknowledgementMilliseconds int

// severity: 0 critical, 1 error, 2 warning, 3 informational. window: over how long it is measured, as ISO 8601 duration.
var alarms = [
  {
    name: 'poison'
    description: 'A message failed again and again and was put aside. A defect: read the exceptions logged before it.'
    query: loadTextContent('../queries/poison.kql')
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'deadline-missed'
    description: 'A gate ended by its deadline without a verdict.'
    query: loadTextContent('../queries/deadline-missed.kql')
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'verdict-not-reported'
    description: 'Verdicts are known for too long and not shown: the problem stands in verdict_not_reported.'
    query: loadTextContent('../queries/verdict-not-reported.kql')
    severity: 2
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'attempts-lost'
    description: 'Workers gave no sign of life: look at the job\'s executions, its memory and its image.'
    query: loadTextContent('../queries/attempts-lost.kql')
    severity: 2
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: attemptsLostLimit
  }
  {
    name: 'service-silent'
    description: 'The watch did not run for 15 minutes: the app is stopped, failed to start, or was never deployed.'
    query: loadTextContent('../queries/service-silent.kql')
    severity: 1
    window: 'PT15M'
    operator: 'LessThan'
    threshold: 1
  }
  {
    name: 'not-configured'
    description: 'The app runs without its settings or its storage and answers hooks with 503: /api/health names the cause.'
    query: loadTextContent('../queries/not-configured.kql')
    severity: 1
    window: 'PT15M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'failure-rate'
    description: 'Many attempts end without a result: kind and sentence of attempt_failed say why.'
    query: loadTextContent('../queries/failure-rate.kql')
    severity: 2
    window: 'PT1H'
    operator: 'GreaterThan'
    threshold: failureRatePercent
  }
  {
    name: 'workers-not-started'
    description: 'The job cannot be started, and attempts wait: the reason stands in worker_not_started.'
    query: loadTextContent('../queries/workers-not-started.kql')
    severity: 2
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: 10
  }
  {
    name: 'statuses-not-posted'
    description: 'Verdicts are known and cannot be shown: the identity\'s right to contribute to pull requests, or Azure DevOps itself.'
    query: loadTextContent('../queries/statuses-not-posted.kql')
    severity: 2
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: 5
  }
  {
    name: 'devops-held'
    description: 'Azure DevOps asks for pauses or does not answer, for more than half of the time: cause and kind of devops_held say which.'
    query: loadTextContent('../queries/devops-held.kql')
    severity: 2
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: 15
  }
  {
    name: 'checks-not-answered'
    description: 'A pipeline waited in vain for its check: check_not_answered says what kept the answer.'
    query: loadTextContent('../queries/checks-not-answered.kql')
    severity: 2
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'hooks-refused'
    description: 'Hooks come with a wrong password. If they are ours, Azure DevOps puts the subscription on probation.'
    query: loadTextContent('../queries/hooks-refused.kql')
    severity: 3
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: 10
  }
  {
    name: 'hooks-unhealthy'
    description: 'Subscriptions were on probation, disabled or not repaired: hook_disabled says by what, hook_not_repaired what to do.'
    query: loadTextContent('../queries/hooks-unhealthy.kql')
    severity: 2
    window: 'PT1H'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'watch-failed'
    description: 'A pull request cannot be attended to; the others are. A defect, or storage: detail of watch_failed says what.'
    query: loadTextContent('../queries/watch-failed.kql')
    severity: 2
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: 0
  }
  {
    name: 'acknowledgement-latency'
    description: 'Hooks are answered slowly: more always ready instances, or look at storage.'
    query: loadTextContent('../queries/acknowledgement-latency.kql')
    severity: 3
    window: 'PT30M'
    operator: 'GreaterThan'
    threshold: acknowledgementMilliseconds
  }
]

resource told 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'scangate'
  location: 'global'
  tags: tags
  properties: {
    enabled: true
    groupShortName: 'scangate'
    emailReceivers: [
      for address in emails: {
        name: address
        emailAddress: address
        useCommonAlertSchema: true
      }
    ]
  }
}

resource rules 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alarm in alarms: {
    name: 'scangate-${alarm.name}'
    location: location
    tags: tags
    kind: 'LogAlert'
    properties: {
      displayName: 'Scangate: ${alarm.name}'
      description: alarm.description
      severity: alarm.severity
      enabled: enabled
      scopes: [workspaceId]
      evaluationFrequency: 'PT5M'
      windowSize: alarm.window
      autoMitigate: true
      // A new workspace has no table of traces before the app first writes one.
      skipQueryValidation: true
      criteria: {
        allOf: [
          {
            query: alarm.query
            timeAggregation: 'Maximum'
            metricMeasureColumn: 'measure'
            operator: alarm.operator
            threshold: alarm.threshold
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      actions: {
        actionGroups: [told.id]
      }
    }
  }
]
