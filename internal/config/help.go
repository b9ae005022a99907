package config

// Help is told of the settings by every command that reads all of them. It takes 80
// columns.
const Help = `
Environment:
  ENTRA_TENANT_ID         the tenant, a GUID
  ENTRA_CLIENT_ID         the app registration (infra/register-app.sh makes one)
  ENTRA_CLIENT_SECRET     its secret
  ENTRA_CLIENT_CERTIFICATE
                          or a certificate of it with its private key, in PEM
  ENTRA_FEDERATION        or aws: it trusts this process's AWS identity
  ENTRA_SECRET_EXPIRES    its last day, such as 2027-01-31, if Graph may not tell it: that
                          takes Application.Read.All
  ENTRA_CLOUD             public (default), usgov, usgov-dod or china
  WEBEX_ORG_ID            the organization, from Control Hub, Account
  WEBEX_ACCESS_TOKEN      a token with the scope identity:people_rw
  WEBEX_TOKEN_EXPIRES     its last day, such as 2027-01-31, to be told before
  WEBEX_CLIENT_ID, WEBEX_CLIENT_SECRET, WEBEX_REFRESH_TOKEN
                          or instead of it a service app, whose tokens are refreshed and
                          kept in DATA_DIR
  WEBEX_CLOUD             public (default) or usgov
  WEBHOOK_URL             where Graph reaches this process, https; empty: nowhere, and
                          Graph is asked for changes instead
  CLIENT_STATE            a secret of yours: openssl rand -hex 32
  CLIENT_STATE_PREVIOUS   the one before it, while it is being changed
  SCOPE                   assigned (default): those assigned to the enterprise application;
                          or all: everybody in the tenant
  ENTRA_APP_ID            its Application ID, if it is not the app registration's own
  DEFAULT_ACCESS          include (default) or exclude those assigned without an app role
  SKIP_OUT_OF_SCOPE_DELETIONS
                          true: who leaves the scope stays active in Webex (false)
  PROVISION_GROUPS        true (default), or false to leave groups alone in Webex
  NESTED_GROUPS           true: the users of groups within a group are its members (false)
  GROUP_SOFT_DELETE       keep (default) or delete a group in Entra's recycle bin
  PROTECTED_USERS         ids or userNames never disabled or deleted, comma-separated
  UPSERT_ONLY             true: nothing is disabled, deleted or removed from a group (false)
  START_PAUSED            true: nothing is written to Webex from the first start on until
                          entrawebex resume webex (false; true on AWS)
  REPAIR_DRIFT            true: what was changed in Webex by hand is put back when
                          everything is compared (false)
  GUARD_FLOOR, GUARD_SHARE, GUARD_WINDOW
                          disables and deletes wait for you above the larger of 20 objects
                          and 1 percent of those provisioned, in 60m
  GUARD_GROUP_SHARE       and removals above 20 percent of a group's members
  DELETE_CONFIRM_AFTER    time between the two looks before a delete (10m)
  LISTEN_ADDR             where to listen (127.0.0.1:8080)
  METRICS_ADDR            where /healthz and /metrics are told, such as 127.0.0.1:9464; empty
                          (default): nowhere
  MAPPING_FILE            a mapping file in place of the one that is built in
  CONSOLE_ADDR            where an operator's browser is served, on this machine alone
                          (127.0.0.1:0, any free port); off: nowhere
  CONSOLE_ORIGIN          the origin of a reverse proxy that authenticates and passes the
                          console on, such as https://entrawebex.example.com
  DATA_DIR                where queue and ledger live (data)
  HISTORY_DAYS            for how many days the provisioning log is kept (30)
  RENEW_INTERVAL          how often the subscription is looked after (1m)
  RECONCILE_INTERVAL      how often what no notification told is looked for (1m)
  SECRET_ARN              AWS secrets that supply any of these, comma-separated
`
