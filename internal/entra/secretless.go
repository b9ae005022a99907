package entra

import (
	"context"
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/azcore/policy"
	"github.com/Azure/azure-sdk-for-go/sdk/azidentity"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sts"

	"entrawebex/internal/config"
)

// clientCertificate returns the credential of an app registration with a certificate, on
// the terms of ClientSecret. The token endpoint is shown a signature, and never the key.
func clientCertificate(s config.Entra, transport policy.Transporter) (azcore.TokenCredential, error) {
	options, err := Cloud(s.Cloud).client(transport)
	if err != nil {
		return nil, fmt.Errorf("make client certificate credential: %w", err)
	}
	certificates, key, err := azidentity.ParseCertificates([]byte(s.ClientCertificate), nil)
	if err != nil {
		return nil, errors.New("make client certificate credential: ENTRA_CLIENT_CERTIFICATE cannot be read")
	}
	credential, err := azidentity.NewClientCertificateCredential(s.TenantID, s.ClientID, certificates, key, &azidentity.ClientCertificateCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make client certificate credential: %w", err)
	}
	return credential, nil
}

// clientAssertion returns the credential of an app registration that trusts another
// issuer, whose word is asked for each time a token is.
func clientAssertion(s config.Entra, assertion func(context.Context) (string, error), transport policy.Transporter) (azcore.TokenCredential, error) {
	options, err := Cloud(s.Cloud).client(transport)
	if err != nil {
		return nil, fmt.Errorf("make federated credential: %w", err)
	}
	credential, err := azidentity.NewClientAssertionCredential(s.TenantID, s.ClientID, assertion, &azidentity.ClientAssertionCredentialOptions{
		ClientOptions: options, DisableInstanceDiscovery: true,
	})
	if err != nil {
		return nil, fmt.Errorf("make federated credential: %w", err)
	}
	return credential, nil
}

// awsIdentity returns AWS's word for who this process is, for Entra to read
// ("GetWebIdentityToken", AWS STS API Reference).
func awsIdentity(ctx context.Context) (string, error) {
	aws, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return "", fmt.Errorf("find the AWS identity: %w", err)
	}
	const (
		algorithm = "RS256" // the one that Entra reads
		seconds   = 300
	)
	duration := int32(seconds)
	signature := algorithm
	token, err := sts.NewFromConfig(aws).GetWebIdentityToken(ctx, &sts.GetWebIdentityTokenInput{
		Audience: []string{audience}, SigningAlgorithm: &signature, DurationSeconds: &duration,
	})
	if err != nil {
		return "", fmt.Errorf("ask AWS for the token that stands for the client secret (it takes aws iam enable-outbound-web-identity-federation, and sts:GetWebIdentityToken for this AWS identity): %w", err)
	}
	return *token.WebIdentityToken, nil
}

// audience is what Entra wants such a token to be for, in every cloud that federates.
const audience = "api://AzureADTokenExchange"
