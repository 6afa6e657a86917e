//! A graph under construction: operators one after the other, constants by their value.

use std::collections::BTreeSet;

use super::proto::{
    AttributeProto, FLOAT_ATTRIBUTE, FLOAT_TENSOR, GraphProto, INT_ATTRIBUTE, INT64_TENSOR, INTS_ATTRIBUTE,
    NodeProto, TensorProto,
};

/// The name of a value of the graph.
pub(super) type Name = String;

/// Nodes and tensors so far.
#[derive(Default)]
pub(super) struct Graph {
    pub(super) proto: GraphProto,
    scope: String,
    constants: BTreeSet<String>,
}

impl Graph {
    /// Operators that follow belong to this layer.
    pub(super) fn enter(&mut self, layer: &str) {
        layer.clone_into(&mut self.scope);
    }

    /// Appends an operator with one output and gives the output's name.
    pub(super) fn op(&mut self, kind: &str, inputs: &[&str], attributes: Vec<AttributeProto>) -> Name {
        let name = format!("{}/{kind}_{}", self.scope, self.proto.node.len());
        self.proto.node.push(NodeProto {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: vec![name.clone()],
            name: name.clone(),
            op_type: kind.to_owned(),
            attribute: attributes,
        });
        name
    }

    /// An operator of one input without settings.
    pub(super) fn unary(&mut self, kind: &str, x: &str) -> Name {
        self.op(kind, &[x], Vec::new())
    }

    /// An operator of two inputs without settings.
    pub(super) fn binary(&mut self, kind: &str, a: &str, b: &str) -> Name {
        self.op(kind, &[a, b], Vec::new())
    }

    /// An operator of a value and a number.
    pub(super) fn with(&mut self, kind: &str, x: &str, number: f64) -> Name {
        let number = self.number(number);
        self.binary(kind, x, &number)
    }

    /// A number as f32.
    pub(super) fn number(&mut self, number: f64) -> Name {
        let value = number as f32;
        let name = format!("number_{value}");
        if self.constants.insert(name.clone()) {
            self.tensor(&name, &[], &[value]);
        }
        name
    }

    /// Whole numbers.
    pub(super) fn integers(&mut self, values: &[i64]) -> Name {
        let words: Vec<String> = values.iter().map(i64::to_string).collect();
        let name = format!("integers_{}", words.join("_"));
        if self.constants.insert(name.clone()) {
            self.proto.initializer.push(TensorProto {
                dims: vec![values.len() as i64],
                data_type: INT64_TENSOR,
                name: name.clone(),
                raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
            });
        }
        name
    }

    /// A tensor of f32.
    pub(super) fn tensor(&mut self, name: &str, shape: &[usize], values: &[f32]) {
        self.proto.initializer.push(TensorProto {
            dims: shape.iter().map(|&size| size as i64).collect(),
            data_type: FLOAT_TENSOR,
            name: name.to_owned(),
            raw_data: values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        });
    }
}

/// A setting that is a number.
pub(super) fn float(name: &str, value: f64) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        f: Some(value as f32),
        kind: FLOAT_ATTRIBUTE,
        ..AttributeProto::default()
    }
}

/// A setting that is a whole number.
pub(super) fn integer(name: &str, value: i64) -> AttributeProto {
    AttributeProto { name: name.into(), i: Some(value), kind: INT_ATTRIBUTE, ..AttributeProto::default() }
}

/// A setting that is a list of whole numbers.
pub(super) fn integer_list(name: &str, values: &[i64]) -> AttributeProto {
    AttributeProto {
        name: name.into(),
        ints: values.to_vec(),
        kind: INTS_ATTRIBUTE,
        ..AttributeProto::default()
    }
}
