//! The operations of a network graph, each with its own rule of shapes.

use std::fmt;

use crate::{GraphError, SeparableInner, Shape};

/// Largest number of channels of a feature map (1,048,576). Together with [`MAX_ELEMENTS`] it keeps every number of
/// [`cost`](crate::cost) for one node far inside 64 bits.
pub const MAX_CHANNELS: usize = 1 << 20;

/// Largest number of values of one image's feature map (2,147,483,648, which are 8 GiB as 32-bit floats).
pub const MAX_ELEMENTS: usize = 1 << 31;

/// What a node of a [`Graph`](crate::Graph) does. Every convolution includes its batch normalisation and ReLU, has no
/// bias and is padded by half its kernel, so that stride 1 keeps the resolution (paper section 2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Op {
    /// The image.
    Input,
    /// Convolution, batch normalisation, ReLU.
    Conv {
        /// Side of the square kernel in pixels: 1 or 3.
        kernel: usize,
        /// Step in pixels: 1 or 2.
        stride: usize,
        /// Channels of the output.
        channels: usize,
    },
    /// 3x3 convolution of each channel on its own, batch normalisation, ReLU.
    Depthwise {
        /// Step in pixels: 1 or 2.
        stride: usize,
    },
    /// 3x3 depthwise convolution, `inner`, 1x1 convolution, batch normalisation, ReLU.
    Separable {
        /// Step of the depthwise half in pixels: 1 or 2. The 1x1 half has stride 1.
        stride: usize,
        /// Channels of the output.
        channels: usize,
        /// What stands between the two halves.
        inner: SeparableInner,
    },
    /// 3x3 max pooling, stride 1, padded by 1 (a padded pixel never wins).
    MaxPool,
    /// 3x3 average pooling, stride 1, padded by 1; divides by the number of real pixels under the window.
    AvgPool,
    /// The input itself.
    Identity,
    /// All inputs behind one another along channels, in their order.
    Concat,
    /// The sum of all inputs, which have one shape.
    Sum,
    /// Mean over all pixels of each channel.
    GlobalAvgPool,
    /// Fully connected layer with bias, over an input of 1x1 pixels: the logits.
    Linear {
        /// Number of classes, the channels of the output.
        classes: usize,
    },
}

impl Op {
    /// Whether the operation has trainable parameters of its own.
    pub fn has_parameters(self) -> bool {
        match self {
            Op::Conv { .. } | Op::Depthwise { .. } | Op::Separable { .. } | Op::Linear { .. } => true,
            Op::Input | Op::MaxPool | Op::AvgPool | Op::Identity | Op::Concat | Op::Sum | Op::GlobalAvgPool => false,
        }
    }

    /// The word that stands for the operation in the text form of a graph.
    pub fn name(self) -> &'static str {
        match self {
            Op::Input => "input",
            Op::Conv { .. } => "conv",
            Op::Depthwise { .. } => "depthwise",
            Op::Separable { .. } => "separable",
            Op::MaxPool => "max_pool",
            Op::AvgPool => "avg_pool",
            Op::Identity => "identity",
            Op::Concat => "concat",
            Op::Sum => "sum",
            Op::GlobalAvgPool => "global_avg_pool",
            Op::Linear { .. } => "linear",
        }
    }

    /// The shape of the output for inputs of these shapes: the operation's own rule, invariant C1.
    ///
    /// # Errors
    /// When an attribute is out of range, the number of inputs is wrong, the inputs do not fit together, or the output
    /// is larger than [`MAX_CHANNELS`] or [`MAX_ELEMENTS`].
    pub fn output_shape(self, inputs: &[Shape]) -> Result<Shape, GraphError> {
        self.check_attributes()?;
        let shape = match self {
            Op::Input => return Err(GraphError::SecondInput),
            Op::Conv { kernel: _, stride, channels } => self.only(inputs)?.strided(stride).with_channels(channels),
            Op::Separable { stride, channels, inner: _ } => self.only(inputs)?.strided(stride).with_channels(channels),
            Op::Depthwise { stride } => self.only(inputs)?.strided(stride),
            Op::MaxPool | Op::AvgPool | Op::Identity => self.only(inputs)?,
            Op::Concat => self.concatenated(inputs)?,
            Op::Sum => self.summed(inputs)?,
            Op::GlobalAvgPool => Shape { height: 1, width: 1, ..self.only(inputs)? },
            Op::Linear { classes } => {
                let input = self.only(inputs)?;
                if input.pixels() != 1 {
                    return Err(GraphError::LinearOverPixels { shape: input });
                }
                input.with_channels(classes)
            }
        };
        check_size(shape)?;
        Ok(shape)
    }

    fn check_attributes(self) -> Result<(), GraphError> {
        let refuse =
            |attribute, value, allowed| Err(GraphError::Attribute { op: self.name(), attribute, value, allowed });
        match self {
            Op::Conv { kernel, .. } if kernel != 1 && kernel != 3 => refuse("kernel", kernel, "1 or 3"),
            Op::Conv { stride, .. } | Op::Depthwise { stride } | Op::Separable { stride, .. }
                if stride != 1 && stride != 2 =>
            {
                refuse("stride", stride, "1 or 2")
            }
            Op::Conv { channels: 0, .. } | Op::Separable { channels: 0, .. } => refuse("channels", 0, "1 or more"),
            Op::Linear { classes: 0 } => refuse("classes", 0, "1 or more"),
            Op::Input
            | Op::Conv { .. }
            | Op::Depthwise { .. }
            | Op::Separable { .. }
            | Op::MaxPool
            | Op::AvgPool
            | Op::Identity
            | Op::Concat
            | Op::Sum
            | Op::GlobalAvgPool
            | Op::Linear { .. } => Ok(()),
        }
    }

    fn only(self, inputs: &[Shape]) -> Result<Shape, GraphError> {
        match inputs {
            [shape] => Ok(*shape),
            [] | [_, _, ..] => Err(GraphError::InputCount { op: self.name(), expected: "1", found: inputs.len() }),
        }
    }

    fn first(self, inputs: &[Shape]) -> Result<Shape, GraphError> {
        let none = GraphError::InputCount { op: self.name(), expected: "1 or more", found: 0 };
        inputs.first().copied().ok_or(none)
    }

    fn concatenated(self, inputs: &[Shape]) -> Result<Shape, GraphError> {
        let first = self.first(inputs)?;
        let mut channels: usize = 0;
        for (position, shape) in inputs.iter().enumerate() {
            if (shape.height, shape.width) != (first.height, first.width) {
                return Err(GraphError::InputsDiffer { op: self.name(), first, position, other: *shape });
            }
            channels = channels.saturating_add(shape.channels);
        }
        Ok(first.with_channels(channels))
    }

    fn summed(self, inputs: &[Shape]) -> Result<Shape, GraphError> {
        let first = self.first(inputs)?;
        for (position, shape) in inputs.iter().enumerate() {
            if *shape != first {
                return Err(GraphError::InputsDiffer { op: self.name(), first, position, other: *shape });
            }
        }
        Ok(first)
    }
}

/// Refuses an empty or a huge feature map.
pub(crate) fn check_size(shape: Shape) -> Result<(), GraphError> {
    let Shape { channels, height, width } = shape;
    if channels == 0 || height == 0 || width == 0 {
        return Err(GraphError::EmptyShape { shape });
    }
    let elements = height.checked_mul(width).and_then(|pixels| pixels.checked_mul(channels));
    if channels > MAX_CHANNELS || elements.is_none_or(|elements| elements > MAX_ELEMENTS) {
        return Err(GraphError::TooLarge { shape, channels: MAX_CHANNELS, elements: MAX_ELEMENTS });
    }
    Ok(())
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name();
        match *self {
            Op::Conv { kernel, stride, channels } => {
                write!(f, "{name} {kernel}x{kernel} stride {stride} channels {channels}")
            }
            Op::Depthwise { stride } => write!(f, "{name} stride {stride}"),
            Op::Separable { stride, channels, inner } => {
                write!(f, "{name} stride {stride} channels {channels} inner {}", inner.name())
            }
            Op::Linear { classes } => write!(f, "{name} classes {classes}"),
            Op::Input | Op::MaxPool | Op::AvgPool | Op::Identity | Op::Concat | Op::Sum | Op::GlobalAvgPool => {
                f.write_str(name)
            }
        }
    }
}
