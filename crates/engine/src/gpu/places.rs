//! Where each number of a network's parameters lies in the buffers of the device.
//!
//! Trained numbers lie in one order in three buffers: weights, gradients, velocities. First come the kernels of
//! convolutions and of the linear layer, then what shifts and scales, so that each of the two is updated by one call.
//! Statistics lie in one order in two buffers: running ones, and those of the batch.

use std::ops::Range;

use hnas_compiler::{MapId, Program, Step};
use hnas_gpu::conv::Layout;
use hnas_gpu::{PART, depthwise, pitch};

use crate::values::Values;

/// The places of a program's parameters.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Of trained numbers.
    pub(super) trained: Vec<Place>,
    /// Values of trained numbers, and how many of them are kernels.
    pub(super) trained_len: usize,
    pub(super) kernels_len: usize,
    /// Of statistics.
    pub(super) statistics: Vec<Place>,
    pub(super) statistics_len: usize,
    /// For each step, its kernels: one for each product.
    pub(super) kernels: Vec<Vec<Range<usize>>>,
    /// For each step, its bias.
    pub(super) biases: Vec<Option<Range<usize>>>,
    /// For each map, its batch normalisation.
    pub(super) norms: Vec<Option<NormPlaces>>,
}

/// Where the numbers of a map's batch normalisation lie.
#[derive(Clone, Debug)]
pub(super) struct NormPlaces {
    pub(super) gamma: Range<usize>,
    pub(super) beta: Range<usize>,
    pub(super) statistics: Range<usize>,
}

/// Some numbers on the device.
#[derive(Debug)]
pub(super) struct Place {
    range: Range<usize>,
    content: Content,
}

/// What lies at a place.
#[derive(Clone, Debug)]
enum Content {
    Convolution {
        convolution: usize,
        layout: Layout,
    },
    /// Of some channels of a depthwise convolution, from the first on.
    Depthwise {
        convolution: usize,
        first: usize,
        channels: usize,
    },
    Linear {
        linear: usize,
        layout: Layout,
    },
    Bias {
        linear: usize,
        channels: usize,
    },
    Gamma {
        convolution: usize,
        first: usize,
        channels: usize,
    },
    Beta {
        convolution: usize,
        first: usize,
        channels: usize,
    },
    /// Means, then variances.
    Statistics {
        convolution: usize,
        first: usize,
        channels: usize,
    },
}

impl Places {
    pub(super) fn of(program: &Program) -> Places {
        let mut places = Places::default();
        for step in program.steps() {
            let kernels = kernels(program, step).into_iter().map(|content| places.train(content)).collect();
            places.kernels.push(kernels);
        }
        places.kernels_len = places.trained_len;
        for step in program.steps() {
            let bias = match step {
                &Step::Linear { linear, output, .. } => {
                    let channels = program.maps()[output.index()].shape.channels;
                    Some(places.train(Content::Bias { linear, channels }))
                }
                Step::Pointwise { .. }
                | Step::Conv { .. }
                | Step::Depthwise { .. }
                | Step::MaxPool { .. }
                | Step::AvgPool { .. }
                | Step::Sum { .. }
                | Step::GlobalAvgPool { .. } => None,
            };
            places.biases.push(bias);
        }
        for map in program.maps() {
            let norm = map.normalization.map(|normalization| {
                let (convolution, first, channels) =
                    (normalization.convolution, normalization.first, map.shape.channels);
                NormPlaces {
                    gamma: places.train(Content::Gamma { convolution, first, channels }),
                    beta: places.train(Content::Beta { convolution, first, channels }),
                    statistics: places.gather(Content::Statistics { convolution, first, channels }),
                }
            });
            places.norms.push(norm);
        }
        // A device has no memory of no bytes.
        places.statistics_len = places.statistics_len.max(PART / size_of::<f32>());
        places
    }

    fn train(&mut self, content: Content) -> Range<usize> {
        add(&mut self.trained, &mut self.trained_len, content)
    }

    fn gather(&mut self, content: Content) -> Range<usize> {
        add(&mut self.statistics, &mut self.statistics_len, content)
    }
}

/// Appends a place; the next begins at a multiple of [`PART`] bytes.
fn add(places: &mut Vec<Place>, len: &mut usize, content: Content) -> Range<usize> {
    let range = *len..*len + content.len();
    *len = range.end.next_multiple_of(PART / size_of::<f32>());
    places.push(Place { range: range.clone(), content });
    range
}

/// The kernels of a step.
fn kernels(program: &Program, step: &Step) -> Vec<Content> {
    let channels = |map: MapId| program.maps()[map.index()].shape.channels;
    let layout = |inputs: &[MapId], outputs: MapId, kernel: usize| Layout {
        inputs: inputs.iter().map(|&map| channels(map)).collect(),
        outputs: channels(outputs),
        kernel,
    };
    match step {
        Step::Pointwise { inputs, products } => products
            .iter()
            .map(|product| Content::Convolution {
                convolution: product.convolution,
                layout: layout(inputs, product.output, 1),
            })
            .collect(),
        Step::Conv { inputs, convolution, kernel, output, stride: _ } => {
            vec![Content::Convolution { convolution: *convolution, layout: layout(inputs, *output, *kernel) }]
        }
        &Step::Depthwise { input, convolution, first, .. } => {
            vec![Content::Depthwise { convolution, first, channels: channels(input) }]
        }
        Step::Linear { inputs, linear, output } => {
            vec![Content::Linear { linear: *linear, layout: layout(inputs, *output, 1) }]
        }
        Step::MaxPool { .. } | Step::AvgPool { .. } | Step::Sum { .. } | Step::GlobalAvgPool { .. } => Vec::new(),
    }
}

/// The numbers as they lie on the device, zeros between them.
pub(super) fn pack(places: &[Place], len: usize, values: &Values) -> Vec<f32> {
    let mut packed = vec![0.0; len];
    places.iter().for_each(|place| place.content.pack(values, &mut packed[place.range.clone()]));
    packed
}

/// The other way: puts the numbers of the device where they belong.
pub(super) fn unpack(places: &[Place], packed: &[f32], values: &mut Values) {
    places.iter().for_each(|place| place.content.unpack(&packed[place.range.clone()], values));
}

impl Content {
    /// Values on the device.
    fn len(&self) -> usize {
        match self {
            Content::Convolution { layout, .. } | Content::Linear { layout, .. } => layout.values(),
            Content::Depthwise { channels, .. } => 9 * pitch(*channels),
            Content::Bias { channels, .. } | Content::Gamma { channels, .. } | Content::Beta { channels, .. } => {
                pitch(*channels)
            }
            Content::Statistics { channels, .. } => 2 * pitch(*channels),
        }
    }

    /// Writes its numbers into zeros.
    fn pack(&self, values: &Values, packed: &mut [f32]) {
        let convolution = |index: usize| &values.convolutions[index];
        match self {
            Content::Convolution { convolution: index, layout } => {
                packed.copy_from_slice(&layout.pack(&convolution(*index).weight));
            }
            &Content::Depthwise { convolution: index, first, channels } => {
                packed.copy_from_slice(&depthwise::pack(&convolution(index).weight[9 * first..9 * (first + channels)]));
            }
            Content::Linear { linear, layout } => {
                let weight = transposed(&values.linears[*linear].weight, layout.outputs);
                packed.copy_from_slice(&layout.pack(&weight));
            }
            &Content::Bias { linear, channels } => packed[..channels].copy_from_slice(&values.linears[linear].bias),
            &Content::Gamma { convolution: index, first, channels } => {
                packed[..channels].copy_from_slice(&convolution(index).gamma[first..first + channels]);
            }
            &Content::Beta { convolution: index, first, channels } => {
                packed[..channels].copy_from_slice(&convolution(index).beta[first..first + channels]);
            }
            &Content::Statistics { convolution: index, first, channels } => {
                let (range, own) = (first..first + channels, convolution(index));
                let (means, variances) = packed.split_at_mut(pitch(channels));
                means[..channels].copy_from_slice(&own.mean[range.clone()]);
                variances[..channels].copy_from_slice(&own.variance[range]);
            }
        }
    }

    fn unpack(&self, packed: &[f32], values: &mut Values) {
        let Values { convolutions, linears } = values;
        match self {
            Content::Convolution { convolution, layout } => {
                let own = &mut convolutions[*convolution];
                own.found = true;
                own.weight = layout.unpack(packed);
            }
            &Content::Depthwise { convolution, first, channels } => {
                let own = &mut convolutions[convolution];
                own.found = true;
                own.weight[9 * first..9 * (first + channels)].copy_from_slice(&depthwise::unpack(packed, channels));
            }
            Content::Linear { linear, layout } => {
                let weight = layout.unpack(packed);
                linears[*linear].weight = transposed(&weight, weight.len() / layout.outputs);
            }
            &Content::Bias { linear, channels } => linears[linear].bias.copy_from_slice(&packed[..channels]),
            &Content::Gamma { convolution, first, channels } => {
                convolutions[convolution].gamma[first..first + channels].copy_from_slice(&packed[..channels]);
            }
            &Content::Beta { convolution, first, channels } => {
                convolutions[convolution].beta[first..first + channels].copy_from_slice(&packed[..channels]);
            }
            &Content::Statistics { convolution, first, channels } => {
                let (range, own) = (first..first + channels, &mut convolutions[convolution]);
                let (means, variances) = packed.split_at(pitch(channels));
                own.mean[range.clone()].copy_from_slice(&means[..channels]);
                own.variance[range].copy_from_slice(&variances[..channels]);
            }
        }
    }
}

/// A matrix with so many columns, turned over.
fn transposed(numbers: &[f32], columns: usize) -> Vec<f32> {
    (0..columns).flat_map(|column| numbers[column..].iter().step_by(columns).copied()).collect()
}
