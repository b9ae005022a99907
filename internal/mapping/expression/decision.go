package expression

import (
	"errors"
	"strings"
)

// decisions are the functions that choose a value, or say of what kind one is.
func decisions() []definition {
	return []definition{
		{
			signature: "CBool(Expression)", least: 1, most: 1, conditions: 1, compile: always(toBool),
			does: "True if the expression has a value other than zero, False or nothing.",
		},
		{
			signature: "Coalesce(source1, source2, …, defaultValue)", least: 1, most: unlimited, compile: always(coalesce),
			does: "The first argument that is not null; null if all are.",
		},
		{
			signature: "IgnoreFlowIfNullOrEmpty(expression)", least: 1, most: 1, compile: always(ignoreFlow),
			does: "The value; if that is null or empty the attribute does not flow, and the target keeps what it has.",
		},
		{
			signature: "IIF(condition, valueIfTrue, valueIfFalse)", least: 3, most: 3, conditions: 1, compile: always(choose),
			does: "One of two values. A comparison (= <> > >= < <=) with something null or empty does not hold. Case matters in texts.",
		},
		{
			signature: "IsNull(Expression)", least: 1, most: 1, compile: kind(isNull),
			does: "True if the attribute is absent.",
		},
		{
			signature: "IsNullOrEmpty(Expression)", least: 1, most: 1, compile: kind(isEmpty),
			does: "True if the attribute is absent, or empty.",
		},
		{
			signature: "IsPresent(Expression)", least: 1, most: 1, compile: kind(func(v any) bool { return !isEmpty(v) }),
			does: "True if the attribute has a value that is not empty.",
		},
		{
			signature: "IsString(Expression)", least: 1, most: 1, compile: kind(isString),
			does: "True if the value is a text, or can be written as one; False for null and for several values.",
		},
		{
			signature: "Not(source)", least: 1, most: 1, compile: always(not),
			does: `The other of "True" and "False". Anything else is an error: nobody is let in because their state is unknown.`,
		},
		{
			signature: "Switch(source, defaultValue, key1, value1, key2, value2, …)", least: 4, most: unlimited, optional: []int{1}, compile: switches,
			does: "The value of the key that the source is equal to, in which case matters; the default if it is equal to none. An absent source is equal to the key \"\".",
		},
	}
}

// kind is the compile of a question about a value.
func kind(is func(any) bool) func(arguments) (compute, error) {
	return always(func(e *evaluation, args arguments) (any, error) {
		v, err := args.at(0).value(e)
		return err == nil && is(v), err
	})
}

func isString(v any) bool {
	_, there, err := asText(v)
	return there && err == nil
}

// boolean is a value as true or false, if it says either.
func boolean(v any) (truth, ok bool) {
	switch v := v.(type) {
	case bool:
		return v, true
	case string:
		if strings.EqualFold(v, "true") {
			return true, true
		}
		return false, strings.EqualFold(v, "false")
	default:
		return false, false
	}
}

// not flips a boolean. Microsoft's page has it return True of everything that is
// not True; here that would open the account of somebody whose state is not known.
func not(e *evaluation, args arguments) (any, error) {
	v, err := args.at(0).value(e)
	if err != nil {
		return nil, err
	}
	truth, ok := boolean(v)
	if !ok {
		return nil, errors.New("takes a boolean, True or False")
	}
	return !truth, nil
}

func toBool(e *evaluation, args arguments) (any, error) {
	v, err := args.at(0).value(e)
	if err != nil || isEmpty(v) {
		return false, err
	}
	if truth, ok := boolean(v); ok {
		return truth, nil
	}
	if n, ok := asNumber(v); ok {
		return n != 0, nil
	}
	return nil, errors.New("takes a boolean or a number")
}

func choose(e *evaluation, args arguments) (any, error) {
	v, err := toBool(e, args)
	if err != nil {
		return nil, err
	}
	if v == true {
		return args.at(1).value(e)
	}
	return args.at(2).value(e)
}

func coalesce(e *evaluation, args arguments) (any, error) {
	for _, a := range args {
		if v, err := a.value(e); err != nil || !isNull(v) {
			return v, err
		}
	}
	return null(), nil
}

func ignoreFlow(e *evaluation, args arguments) (any, error) {
	v, err := args.at(0).value(e)
	if err == nil && isEmpty(v) {
		return Ignored{}, nil
	}
	return v, err
}

func switches(args arguments) (compute, error) {
	if len(args)%2 != 0 {
		return nil, errors.New("a key has no value; the arguments are source, default, and pairs of key and value")
	}
	return func(e *evaluation) (any, error) {
		source, _, err := e.text(args[0])
		if err != nil {
			return nil, err
		}
		for i := 2; i < len(args); i += 2 {
			key, _, err := e.text(args[i])
			if err != nil {
				return nil, err
			}
			if source == key {
				return args[i+1].value(e)
			}
		}
		return args[1].value(e)
	}, nil
}
