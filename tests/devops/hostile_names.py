"""Names of branches and paths that could lead a request astray."""

HOSTILE = [
    "fix/#1",
    "a&path=/evil.yml",
    "a?b",
    "a%2Fb",
    "a%",
    "a+b c",
    "x&versionDescriptor.version=main",
    "../../../_apis/projects",
    "{project}",
    "{0.__class__}",
    "naïve/ветка/🦊",
    "a;b=c",
    "\r\nX-Evil: 1",
    "\x00",
    '"><script>',
    "refs/heads/main",
    "=",
    "&",
    "@{1}",
]
