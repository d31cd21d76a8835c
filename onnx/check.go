// SPDX-License-Identifier: Apache-2.0

package onnx

import (
	"errors"
	"fmt"
)

// Check says what keeps the model from being a valid one: nodes out of
// topological order, names read but defined nowhere, names defined twice, constants
// of another size than their dims say, outputs that nothing computes, operator
// domains that are not imported. Subgraphs see the names of the graphs around
// them. Which operators exist and what shapes they take is not looked at.
// The error is an *Error.
func (m *Model) Check() error {
	if m.Graph == nil {
		return &Error{Err: errors.New("model has no graph")}
	}
	opsets := make(map[string]bool, len(m.Opsets))
	for _, o := range m.Opsets {
		d := plainDomain(o.Domain)
		if opsets[d] {
			return &Error{Err: fmt.Errorf("operator set %q is imported twice", quoteName(d))}
		}
		opsets[d] = true
	}
	if len(m.Opsets) == 0 {
		return &Error{Err: errors.New("model imports no operator set (opset_import is empty)")}
	}
	if len(m.Graph.Outputs) == 0 {
		return &Error{Err: errors.New("graph has no outputs")}
	}
	c := &checker{opsets: opsets, outer: map[string]int{}}
	if err := c.graph(m.Graph, 1); err != nil {
		return atNode("", "", nil, err)
	}
	return nil
}

// checker walks a graph and its subgraphs; outer counts the scopes, innermost
// included, that define a name.
type checker struct {
	opsets map[string]bool
	outer  map[string]int
}

func (c *checker) graph(g *Graph, depth int) error {
	if depth > maxGraphDepth {
		return fmt.Errorf("graphs are nested deeper than %d", maxGraphDepth)
	}
	own := make(map[string]bool, len(g.Nodes)+len(g.Initializers)+len(g.Inputs))
	defer func() {
		for name := range own {
			c.outer[name]--
		}
	}()
	define := func(name string) {
		if !own[name] {
			own[name] = true
			c.outer[name]++
		}
	}
	if err := c.given(g, own, define); err != nil {
		return err
	}
	later := g.Defined()
	for _, n := range g.Nodes {
		if n.OpType == "" {
			return atNode(n.Name, "", n.Outputs, errors.New("has no operator"))
		}
		if err := c.node(n, later, depth); err != nil {
			return atNode(n.Name, n.OpType, n.Outputs, err)
		}
		for _, o := range n.Outputs {
			if o == "" {
				continue
			}
			if c.outer[o] > 0 {
				return atNode(n.Name, n.OpType, n.Outputs, fmt.Errorf("output %q is a name that is taken already", quoteName(o)))
			}
			define(o)
		}
	}
	seen := map[string]bool{}
	for _, v := range g.Outputs {
		switch {
		case !own[v.Name]:
			return fmt.Errorf("graph output %q is computed by nothing", quoteName(v.Name))
		case seen[v.Name]:
			return fmt.Errorf("graph output %q is listed twice", quoteName(v.Name))
		}
		seen[v.Name] = true
	}
	return nil
}

// given defines the inputs and initializers of a graph. An initializer may carry
// the name of an input, whose default it then is.
func (c *checker) given(g *Graph, own map[string]bool, define func(string)) error {
	for _, v := range g.Inputs {
		switch {
		case v.Name == "":
			return errors.New("a graph input has no name")
		case own[v.Name]:
			return fmt.Errorf("graph input %q is listed twice", quoteName(v.Name))
		}
		define(v.Name)
	}
	weights := make(map[string]bool, len(g.Initializers))
	add := func(name string) error {
		switch {
		case name == "":
			return errors.New("an initializer has no name")
		case weights[name]:
			return fmt.Errorf("initializer %q is listed twice", quoteName(name))
		}
		weights[name] = true
		define(name)
		return nil
	}
	for _, t := range g.Initializers {
		if err := add(t.Name); err != nil {
			return err
		}
		if err := t.check(); err != nil {
			return fmt.Errorf("initializer %q: %w", quoteName(t.Name), err)
		}
	}
	for _, t := range g.rest.GetSparseInitializer() {
		if err := add(t.GetValues().GetName()); err != nil {
			return err
		}
	}
	return nil
}

func (c *checker) node(n *Node, later map[string]bool, depth int) error {
	if !c.opsets[plainDomain(n.Domain)] {
		return fmt.Errorf("its operator set %q is not imported", quoteName(n.Domain))
	}
	for _, in := range n.Inputs {
		switch {
		case in == "" || c.outer[in] > 0:
		case later[in]:
			return fmt.Errorf("input %q is computed only by a later node: nodes are not in topological order", quoteName(in))
		default:
			return fmt.Errorf("input %q is defined nowhere", quoteName(in))
		}
	}
	attrs := make(map[string]bool, len(n.Attrs))
	for i := range n.Attrs {
		a := &n.Attrs[i]
		if attrs[a.Name] {
			return fmt.Errorf("attribute %q is given twice", quoteName(a.Name))
		}
		attrs[a.Name] = true
		if err := c.attr(a, depth); err != nil {
			return fmt.Errorf("attribute %q: %w", quoteName(a.Name), err)
		}
	}
	return nil
}

func (c *checker) attr(a *Attr, depth int) error {
	if (a.Kind == AttrTensor && a.T == nil) || (a.Kind == AttrGraph && a.G == nil) {
		return errors.New("has no value")
	}
	if a.T != nil {
		if err := a.T.check(); err != nil {
			return err
		}
	}
	for _, t := range a.Tensors {
		if err := t.check(); err != nil {
			return err
		}
	}
	if a.G != nil {
		if err := c.graph(a.G, depth+1); err != nil {
			return err
		}
	}
	for _, g := range a.Graphs {
		if err := c.graph(g, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// check compares the size of a constant with its type and dims.
func (t *Tensor) check() error {
	n, err := elements(t.Dims)
	if err != nil {
		return err
	}
	if t.Type == StringType {
		if int64(len(t.Strings)) != n {
			return fmt.Errorf("holds %d strings where its dims %v say %d", len(t.Strings), clip(t.Dims), n)
		}
		return nil
	}
	if _, ok := dataTypes[t.Type]; !ok {
		return fmt.Errorf("data type %d is unknown", int32(t.Type))
	}
	want, err := t.Type.bytes(n)
	if err != nil {
		return err
	}
	if int64(len(t.Data)) != want {
		return fmt.Errorf("holds %d bytes where its type %s and dims %v say %d", len(t.Data), t.Type, clip(t.Dims), want)
	}
	return nil
}
