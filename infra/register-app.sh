#!/usr/bin/env bash
# Makes the app registration that reads users and groups from Microsoft Entra ID.
set -euo pipefail

usage() {
  cat <<'HELP'
usage: infra/register-app.sh [--name NAME] [--cloud CLOUD] [--secret-file FILE]
                             [--hidden-members] [--custom-security-attributes]
                             [--migration] [--everybody]
                             [--federation ISSUER=ROLE,ROLE]
                             [--certificate FILE]

Makes an app registration in the tenant that the Azure CLI is signed in to,
gives it these application permissions of Microsoft Graph with an
administrator's consent, makes a client secret, and prints what to give to the
template's parameters, and the same for the environment of one machine.

  User.Read.All          read users and the recycle bin, subscribe to changes
  Group.Read.All         read groups and their members, subscribe to changes
  Organization.Read.All  be sure which tenant answers before anything is deleted
  Application.Read.All   find the enterprise application, and list who is
                         assigned to it
  Directory.Read.All     read what one user or group is assigned to: Graph has no
                         lesser permission for that

  --name NAME         name of the app registration (default: entrawebex);
                      one that has that name already is completed, not doubled
  --cloud CLOUD       public (default), usgov, usgov-dod or china
  --secret-file FILE  where the client secret goes, as the JSON of the
                      template's ProvisioningSecret, readable by you alone
                      (default: entrawebex.secret); an existing file is never
                      overwritten
  --hidden-members    Member.Read.Hidden, too: for groups whose membership is
                      hidden
  --custom-security-attributes
                      CustomSecAttributeAssignment.Read.All, too: for a mapping
                      that reads custom security attributes of users
  --migration         Synchronization.Read.All, too: for entrawebex migrate, which
                      reads the gallery app's provisioning job; nothing else does
  --everybody         neither Application.Read.All nor Directory.Read.All: for
                      SCOPE=all, where nobody asks who is assigned, unless the
                      mapping reads app roles
  --federation ISSUER=ROLE,ROLE
                      no secret: the app trusts these AWS roles. ISSUER is what
                      aws iam enable-outbound-web-identity-federation prints,
                      the roles are the stack's output FederatedRoles, and that
                      of whoever plans with --stack; then EntraFederation=aws
  --certificate FILE  no secret: the app trusts this certificate (PEM, without
                      the key), beside those it has

Sign in first, as a Privileged Role Administrator or Global Administrator:

  az cloud set --name AzureCloud    (AzureUSGovernment, AzureChinaCloud)
  az login --allow-no-subscriptions --tenant TENANT
HELP
}

fail() {
  echo "$0: $*" >&2
  exit 1
}

name=entrawebex cloud=public secret_file=entrawebex.secret federation='' certificate=''
permissions=(User.Read.All Group.Read.All Organization.Read.All)
assignments=(Application.Read.All Directory.Read.All)
while [ $# -gt 0 ]; do
  case $1 in
  -h | --help) usage && exit ;;
  --hidden-members) permissions+=(Member.Read.Hidden) && shift ;;
  --custom-security-attributes) permissions+=(CustomSecAttributeAssignment.Read.All) && shift ;;
  --migration) permissions+=(Synchronization.Read.All) && shift ;;
  --everybody) assignments=() && shift ;;
  --name | --cloud | --secret-file | --federation | --certificate)
    [ $# -gt 1 ] || fail "$1 needs a value"
    case $1 in
    --name) name=$2 ;;
    --cloud) cloud=$2 ;;
    --secret-file) secret_file=$2 ;;
    --federation) federation=$2 ;;
    --certificate) certificate=$2 ;;
    esac
    shift 2
    ;;
  *) fail "unknown argument $1; see --help" ;;
  esac
done
permissions+=("${assignments[@]}")
[[ $name =~ ^[A-Za-z0-9._\ -]+$ ]] || fail "the name may have letters, digits, blanks, dots and hyphens"
[[ -z $federation || $federation =~ ^https://[^=,]+=arn:[^=]+$ ]] || fail "--federation is ISSUER=ROLE,ROLE, such as https://ID.tokens.sts.global.api.aws=arn:aws:iam::123456789012:role/NAME"
[[ -z $federation || -z $certificate ]] || fail "--federation and --certificate are one in place of the other"
[[ -z $certificate || -r $certificate ]] || fail "$certificate cannot be read"
if [ -n "$certificate" ]; then
  ! grep -q 'PRIVATE KEY' "$certificate" || fail "$certificate holds the private key, which nobody else may have: give the certificate alone, openssl x509 -in $certificate -out cert.pem"
  grep -q 'BEGIN CERTIFICATE' "$certificate" || fail "$certificate is no certificate in PEM: openssl x509 -inform DER -in $certificate -out cert.pem makes one of DER"
fi
[ -n "$federation$certificate" ] || [ ! -e "$secret_file" ] || fail "$secret_file is there already: move it away or name another with --secret-file"

# https://learn.microsoft.com/graph/deployments
case $cloud in
public) az_cloud=AzureCloud root=https://graph.microsoft.com ;;
usgov) az_cloud=AzureUSGovernment root=https://graph.microsoft.us ;;
usgov-dod) az_cloud=AzureUSGovernment root=https://dod-graph.microsoft.us ;;
china) az_cloud=AzureChinaCloud root=https://microsoftgraph.chinacloudapi.cn ;;
*) fail "unknown cloud $cloud: public, usgov, usgov-dod or china" ;;
esac

command -v az >/dev/null || fail "the Azure CLI is missing: https://learn.microsoft.com/cli/azure/install-azure-cli"
[ "$(az cloud show --query name --output tsv)" = "$az_cloud" ] ||
  fail "the Azure CLI is set to another cloud: az cloud set --name $az_cloud, then az login"
tenant=$(az account show --query tenantId --output tsv 2>/dev/null) ||
  fail "not signed in: az login --allow-no-subscriptions --tenant TENANT"

trap 'echo "$0: stopped half-way; run it again: what is there already is completed" >&2' ERR

# graph METHOD PATH QUERY [BODY] prints what the JMESPath QUERY finds in the
# answer, nothing if it finds nothing.
graph() {
  az rest --method "$1" --url "$root/v1.0/$2" --resource "$root" --query "$3" --output tsv \
    ${4:+--headers Content-Type=application/json --body "$4"}
}

# Ids differ from cloud to cloud; the appId of Microsoft Graph does not.
graph_app=00000003-0000-0000-c000-000000000000
graph_principal=$(graph GET "servicePrincipals(appId='$graph_app')?\$select=id" id)
roles=() access=()
for permission in "${permissions[@]}"; do
  role=$(graph GET "servicePrincipals(appId='$graph_app')?\$select=appRoles" "appRoles[?value=='$permission'].id | [0]")
  [ -n "$role" ] || fail "Microsoft Graph of this cloud has no application permission $permission"
  roles+=("$role")
  access+=("{\"id\":\"$role\",\"type\":\"Role\"}")
done
wanted=$(
  IFS=,
  echo "[{\"resourceAppId\":\"$graph_app\",\"resourceAccess\":[${access[*]}]}]"
)

app=$(graph GET "applications?\$filter=displayName%20eq%20'${name// /%20}'&\$select=appId" "value[].appId")
case $app in
"")
  echo "making the app registration $name" >&2
  app=$(graph POST applications appId \
    "{\"displayName\":\"$name\",\"signInAudience\":\"AzureADMyOrg\",\"requiredResourceAccess\":$wanted}")
  ;;
*$'\n'*) fail "several app registrations are named $name: choose another with --name" ;;
*)
  echo "completing the app registration $name" >&2
  graph PATCH "applications(appId='$app')" "" "{\"requiredResourceAccess\":$wanted}"
  ;;
esac

principal=$(graph GET "servicePrincipals?\$filter=appId%20eq%20'$app'&\$select=id" "value[0].id")
# By the tag the admin center lists it among the enterprise applications, where users
# and groups are assigned.
[ -n "$principal" ] || principal=$(graph POST servicePrincipals id \
  "{\"appId\":\"$app\",\"tags\":[\"WindowsAzureActiveDirectoryIntegratedApp\"]}")

# An app role assignment is the administrator's consent to an application
# permission: https://learn.microsoft.com/graph/permissions-grant-via-msgraph
granted=$(graph GET "servicePrincipals/$principal/appRoleAssignments" "value[?resourceId=='$graph_principal'].appRoleId")
for role in "${roles[@]}"; do
  grep -qxF "$role" <<<"$granted" || graph POST "servicePrincipals/$principal/appRoleAssignments" "" \
    "{\"principalId\":\"$principal\",\"resourceId\":\"$graph_principal\",\"appRoleId\":\"$role\"}"
done

# values FEDERATION prints the names of the template, then those of the environment.
values() {
  cat <<VALUES
# parameters of the template, for sam deploy:
EntraTenantId=$tenant
EntraClientId=$app
EntraCloud=$cloud
EntraFederation=$1
# the same as the environment of one machine:
ENTRA_TENANT_ID=$tenant
ENTRA_CLIENT_ID=$app
ENTRA_CLOUD=$cloud
ENTRA_FEDERATION=$1
VALUES
}

# https://learn.microsoft.com/graph/api/application-post-federatedidentitycredentials
if [ -n "$federation" ]; then
  issuer=${federation%%=*}
  IFS=, read -ra subjects <<<"${federation#*=}"
  for subject in "${subjects[@]}"; do
    # The id and the issuer of each that trusts this role: another issuer is put right.
    trusted=$(graph GET "applications(appId='$app')/federatedIdentityCredentials" "value[?subject=='$subject'].join(' ', [id, issuer])")
    if [ -z "$trusted" ]; then
      named=${subject##*/} # of a credential, which has fewer characters than that of a role
      graph POST "applications(appId='$app')/federatedIdentityCredentials" "" \
        "{\"name\":\"${named//[^A-Za-z0-9_-]/-}\",\"issuer\":\"$issuer\",\"subject\":\"$subject\",\"audiences\":[\"api://AzureADTokenExchange\"]}"
    elif ! grep -qE "^[^ ]+ ${issuer//./\\.}\$" <<<"$trusted"; then
      graph PATCH "applications(appId='$app')/federatedIdentityCredentials/${trusted%% *}" "" "{\"issuer\":\"$issuer\"}"
    fi
  done
  values aws
  exit
fi
if [ -n "$certificate" ]; then
  az ad app credential reset --id "$app" --cert "@$certificate" --append --output none
  values ''
  echo "Put the certificate and its private key, both in PEM, into ENTRA_CLIENT_CERTIFICATE of the secret that ProvisioningSecretArn names, or of the environment of one machine." >&2
  exit
fi

# The secret goes into the file and nowhere else; Graph shows it once.
(
  umask 077
  set -o noclobber
  az rest --method POST --url "$root/v1.0/applications(appId='$app')/addPassword" --resource "$root" \
    --headers Content-Type=application/json --body '{"passwordCredential":{"displayName":"entrawebex"}}' \
    --query "{ENTRA_CLIENT_SECRET: secretText, WEBEX_ACCESS_TOKEN: ''}" --output json >"$secret_file" || {
    rm -f "$secret_file"
    exit 1
  }
)

values ''
cat >&2 <<NEXT
ENTRA_CLIENT_SECRET is in $secret_file. Put the Webex token beside it, then
  aws secretsmanager put-secret-value --secret-id ARN --secret-string file://$secret_file
with the ProvisioningSecretArn that sam deploy prints, and remove the file.
NEXT
