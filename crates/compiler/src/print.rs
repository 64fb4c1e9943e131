//! Graphs as text, one node a line.

use std::fmt;

use crate::Graph;

impl Graph {
    /// The graph as text, one node a line, that [`Graph::parse`] reads back:
    ///
    /// ```text
    /// %0 = input : 3x32x32
    /// %1 = conv 3x3 stride 1 channels 16 (%0) : 16x32x32 param 0
    /// %2 = max_pool (%1) : 16x32x32
    /// %3 = concat (%1, %2) : 32x32x32
    /// output %3
    /// ```
    ///
    /// After the colon stand the shape of the output and the [parameter set](crate::Node::param).
    pub fn to_text(&self) -> String {
        self.to_string()
    }
}

/// The text form: see [`Graph::to_text`].
impl fmt::Display for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (id, node) in self.iter() {
            write!(f, "{id} = {}", node.op)?;
            if !node.inputs.is_empty() {
                let inputs: Vec<String> = node.inputs.iter().map(ToString::to_string).collect();
                write!(f, " ({})", inputs.join(", "))?;
            }
            write!(f, " : {}", node.shape)?;
            if let Some(param) = node.param {
                write!(f, " param {param}")?;
            }
            writeln!(f)?;
        }
        writeln!(f, "output {}", self.output())
    }
}
