//! The primitive operations, level 1 of every hierarchy.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A primitive operation (paper section 2.3): stride 1, padded so that the resolution stays.
///
/// Every convolution is followed by batch normalisation and ReLU; pools and identity by nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Primitive {
    /// 1x1 convolution to the cell's width.
    Conv1x1,
    /// 3x3 convolution of each channel on its own; keeps the incoming width.
    Depthwise3x3,
    /// 3x3 depthwise convolution followed by a 1x1 convolution to the cell's width.
    Separable3x3,
    /// 3x3 max pooling; keeps the incoming width.
    MaxPool3x3,
    /// 3x3 average pooling; keeps the incoming width.
    AvgPool3x3,
    /// The input itself; keeps the incoming width.
    Identity,
    /// 3x3 convolution to the cell's width. Not one of the paper's six; other published spaces use it.
    Conv3x3,
}

impl Primitive {
    /// Every primitive, in the order of the enum.
    pub const ALL: [Primitive; 7] = [
        Primitive::Conv1x1,
        Primitive::Depthwise3x3,
        Primitive::Separable3x3,
        Primitive::MaxPool3x3,
        Primitive::AvgPool3x3,
        Primitive::Identity,
        Primitive::Conv3x3,
    ];

    /// The six primitives of the paper's spaces (section 2.3), in the paper's order.
    pub const PAPER: [Primitive; 6] = [
        Primitive::Conv1x1,
        Primitive::Depthwise3x3,
        Primitive::Separable3x3,
        Primitive::MaxPool3x3,
        Primitive::AvgPool3x3,
        Primitive::Identity,
    ];

    /// The name used in files: that of the variant.
    pub fn name(self) -> &'static str {
        match self {
            Primitive::Conv1x1 => "Conv1x1",
            Primitive::Depthwise3x3 => "Depthwise3x3",
            Primitive::Separable3x3 => "Separable3x3",
            Primitive::MaxPool3x3 => "MaxPool3x3",
            Primitive::AvgPool3x3 => "AvgPool3x3",
            Primitive::Identity => "Identity",
            Primitive::Conv3x3 => "Conv3x3",
        }
    }

    /// The primitive of that name, if there is one.
    pub fn from_name(name: &str) -> Option<Primitive> {
        Self::ALL.into_iter().find(|primitive| primitive.name() == name)
    }
}

impl fmt::Display for Primitive {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::Primitive;

    /// The compiler cannot tell that a new variant is missing in `ALL`, but serde knows the variants.
    #[test]
    fn all_lists_every_variant_by_its_name_in_files() {
        let error = ron::from_str::<Primitive>("Nothing").expect_err("there is no such primitive").code;
        let ron::Error::NoSuchEnumVariant { expected, .. } = error else { panic!("another error: {error}") };
        assert_eq!(expected, Primitive::ALL.map(Primitive::name));
        for primitive in Primitive::ALL {
            assert_eq!(Primitive::from_name(primitive.name()), Some(primitive));
        }
        assert_eq!(Primitive::from_name("Nothing"), None);
    }

    #[test]
    fn the_papers_primitives_come_first() {
        assert_eq!(Primitive::PAPER, Primitive::ALL[..6]);
    }
}
