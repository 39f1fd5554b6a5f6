"""Azure DevOps through the azure-devops SDK, hardened in one place. Imported late: the webhook path does without it."""
