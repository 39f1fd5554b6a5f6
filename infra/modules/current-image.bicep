// A template states the whole job, its image included. This reads which image the job has now, so that a deployment of
// anything else keeps it. It can only be deployed where the job exists: Bicep has no lookup that may come back empty.
metadata description = 'Reads the image of a job that exists.'

@description('Name of the job.')
param jobName string

resource job 'Microsoft.App/jobs@2025-01-01' existing = {
  name: jobName
}

@description('The image of its scan container.')
output image string = job.properties.template.containers[0].image
