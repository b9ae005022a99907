// Package stack finds what a stack on AWS was deployed with, so that an operator need
// not name it: whoever knows the stack's name has the settings of its functions.
package stack

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsconfig "github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation"
	"github.com/aws/aws-sdk-go-v2/service/cloudformation/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/aws/smithy-go"
)

// Outputs are the stack's outputs that name the functions whose environments, together,
// have every setting of the stack that an operator needs. What the first says counts:
// renew has the webhook's secret too, which no operator's command reads.
func Outputs() []string { return []string{"ReconcileFunctionName", "RenewFunctionName"} }

// Environ returns the variables of the functions of the stack with that name, in the form
// of os.Environ, as they are configured now. It asks with the credentials and in the
// region that AWS's own tools would use: AWS_PROFILE, AWS_REGION and what else the default
// chain of the SDK reads. The error is a sentence that says which stack, where, and the
// mend.
func Environ(ctx context.Context, name string) ([]string, error) {
	c, err := awsconfig.LoadDefaultConfig(ctx)
	if err != nil {
		return nil, fmt.Errorf("the stack %s cannot be looked for: %w", name, err)
	}
	return of(ctx, c, name)
}

// of is Environ with the credentials and the region of c.
func of(ctx context.Context, c aws.Config, name string) ([]string, error) {
	l := &look{name: name, config: c}
	if c.Region == "" {
		return nil, fmt.Errorf("the stack %s cannot be looked for, since no region is chosen (profile %s): set AWS_REGION to the one it is in, such as eu-central-1", name, profile())
	}
	if _, err := c.Credentials.Retrieve(ctx); err != nil {
		return nil, fmt.Errorf("the stack %s in %s cannot be looked for, since there are no AWS credentials (profile %s): sign in, for example with aws sso login, or set AWS_PROFILE: %w", name, c.Region, profile(), err)
	}
	outputs, err := l.outputs(ctx)
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, output := range Outputs() {
		variables, err := l.variables(ctx, outputs[output])
		if err != nil {
			return nil, err
		}
		maps.Copy(variables, found)
		found = variables
	}
	environ := make([]string, 0, len(found))
	for variable, value := range found {
		environ = append(environ, variable+"="+value)
	}
	slices.Sort(environ)
	return environ, nil
}

// look is a look at a stack.
type look struct {
	name   string
	config aws.Config
}

// outputs returns the stack's, with all of Outputs among them.
func (l *look) outputs(ctx context.Context) (map[string]string, error) {
	found, err := cloudformation.NewFromConfig(l.config).DescribeStacks(ctx, &cloudformation.DescribeStacksInput{StackName: &l.name})
	if err != nil {
		return nil, l.refused(ctx, err, "cloudformation:DescribeStacks")
	}
	if len(found.Stacks) != 1 {
		return nil, l.missing(ctx)
	}
	s := found.Stacks[0]
	outputs := map[string]string{}
	for _, o := range s.Outputs {
		outputs[aws.ToString(o.OutputKey)] = aws.ToString(o.OutputValue)
	}
	for _, needed := range Outputs() {
		if outputs[needed] == "" {
			return nil, l.unfit(s.StackStatus, needed)
		}
	}
	return outputs, nil
}

// unfit says why a stack that is there lacks an output.
func (l *look) unfit(status types.StackStatus, output string) error {
	where := fmt.Sprintf("the stack %s in %s", l.name, l.config.Region)
	switch status {
	case types.StackStatusCreateInProgress, types.StackStatusReviewInProgress, types.StackStatusImportInProgress:
		return fmt.Errorf("%s is still being made (%s): try again when sam deploy has ended", where, status)
	case types.StackStatusCreateComplete, types.StackStatusUpdateComplete, types.StackStatusUpdateRollbackComplete:
		return fmt.Errorf("%s has no output %s, so it is another system's or an older version's: give the name of the right one, or deploy this version of template.yaml to it", where, output)
	default:
		return fmt.Errorf("%s is in the state %s and has no output %s: see why in its events in the CloudFormation console, mend that, and deploy it again", where, status, output)
	}
}

// variables returns those of a function.
func (l *look) variables(ctx context.Context, function string) (map[string]string, error) {
	found, err := lambda.NewFromConfig(l.config).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: &function})
	if err != nil {
		return nil, l.refused(ctx, err, "lambda:GetFunctionConfiguration")
	}
	if found.Environment == nil || found.Environment.Error != nil {
		return nil, fmt.Errorf("the stack %s in %s: the environment of its function %s cannot be read: you need kms:Decrypt on the key it is encrypted with", l.name, l.config.Region, function)
	}
	return found.Environment.Variables, nil
}

// refused says what an answer means to whoever wants an action of AWS.
func (l *look) refused(ctx context.Context, err error, action string) error {
	refusal, ok := errors.AsType[smithy.APIError](err)
	if !ok {
		return fmt.Errorf("the stack %s in %s (profile %s) cannot be looked at: %w", l.name, l.config.Region, profile(), err)
	}
	switch refusal.ErrorCode() {
	case "AccessDenied", "AccessDeniedException":
		return fmt.Errorf("the stack %s in %s may not be looked at by %s, who lacks %s: attach the policy that the stack's output OperatorPolicyArn names", l.name, l.config.Region, l.who(ctx), action)
	case "ExpiredToken", "ExpiredTokenException", "InvalidClientTokenId", "UnrecognizedClientException", "SignatureDoesNotMatch", "InvalidSignatureException":
		return fmt.Errorf("the stack %s in %s cannot be looked at, since AWS refuses the credentials (profile %s, %s): sign in again, for example with aws sso login", l.name, l.config.Region, profile(), refusal.ErrorCode())
	case "ValidationError": // "Stack with id … does not exist"
		return l.missing(ctx)
	default:
		return fmt.Errorf("the stack %s in %s (profile %s) cannot be looked at: %w", l.name, l.config.Region, profile(), err)
	}
}

func (l *look) missing(ctx context.Context) error {
	return fmt.Errorf("there is no stack %s in %s for %s: correct the name, set AWS_REGION to the region it is in, or AWS_PROFILE to a profile of its account", l.name, l.config.Region, l.who(ctx))
}

// who is whose credentials these are, as far as AWS says: its answer needs no permission.
func (l *look) who(ctx context.Context) string {
	const patience = 3 * time.Second
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	who, err := sts.NewFromConfig(l.config).GetCallerIdentity(ctx, &sts.GetCallerIdentityInput{})
	if err != nil {
		return "the profile " + profile()
	}
	return fmt.Sprintf("%s (account %s, profile %s)", aws.ToString(who.Arn), aws.ToString(who.Account), profile())
}

// profile is the one that the SDK uses.
func profile() string {
	return cmp.Or(os.Getenv("AWS_PROFILE"), os.Getenv("AWS_DEFAULT_PROFILE"), "default")
}
