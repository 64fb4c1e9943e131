//! A network like the searched ones, small enough to write down: a stem and three cells, each with every primitive once.

use burn::tensor::{Device, Distribution, Int, Tensor};
use hnas_kernels as kernels;
use hnas_kernels::plain;

type BatchNormTrain = fn(Tensor<4>, Tensor<1>, Tensor<1>, f64, bool) -> (Tensor<4>, Tensor<1>, Tensor<1>);

/// The operations with two formulations.
pub(crate) struct Formulation {
    pub(crate) conv: fn(Tensor<4>, Tensor<4>, usize) -> Tensor<4>,
    pub(crate) conv_joined: fn(Vec<Tensor<4>>, Tensor<4>) -> Tensor<4>,
    pub(crate) depthwise: fn(Tensor<4>, Tensor<4>, usize) -> Tensor<4>,
    pub(crate) max_pool: fn(Tensor<4>) -> Tensor<4>,
    pub(crate) avg_pool: fn(Tensor<4>) -> Tensor<4>,
    pub(crate) batch_norm_train: BatchNormTrain,
}

impl Formulation {
    pub(crate) const PLAIN: Self = Self {
        conv: plain::conv,
        conv_joined: plain::conv_joined,
        depthwise: plain::depthwise,
        max_pool: plain::max_pool,
        avg_pool: plain::avg_pool,
        batch_norm_train: plain::batch_norm_train,
    };

    pub(crate) const FUSED: Self = Self {
        conv: kernels::conv,
        conv_joined: kernels::conv_joined,
        depthwise: kernels::depthwise,
        max_pool: kernels::max_pool,
        avg_pool: kernels::avg_pool,
        batch_norm_train: kernels::batch_norm_train,
    };
}

/// A convolution's weights and the parameters of its batch normalisation.
struct Layer {
    weight: Tensor<4>,
    gamma: Tensor<1>,
    beta: Tensor<1>,
}

impl Layer {
    fn new(shape: [usize; 4], device: &Device) -> Self {
        let fan = (shape[1] * shape[2] * shape[3]) as f64;
        let spread = Distribution::Normal(0.0, (2.0 / fan).sqrt());
        Self {
            weight: Tensor::random(shape, spread, device).require_grad(),
            gamma: Tensor::ones([shape[0]], device).require_grad(),
            beta: Tensor::zeros([shape[0]], device).require_grad(),
        }
    }

    fn norm(&self, x: Tensor<4>, f: &Formulation) -> Tensor<4> {
        (f.batch_norm_train)(x, self.gamma.clone(), self.beta.clone(), 1e-3, true).0
    }

    fn conv(&self, x: Tensor<4>, stride: usize, f: &Formulation) -> Tensor<4> {
        self.norm((f.conv)(x, self.weight.clone(), stride), f)
    }

    fn conv_joined(&self, xs: Vec<Tensor<4>>, f: &Formulation) -> Tensor<4> {
        self.norm((f.conv_joined)(xs, self.weight.clone()), f)
    }

    fn depthwise(&self, x: Tensor<4>, stride: usize, f: &Formulation) -> Tensor<4> {
        self.norm((f.depthwise)(x, self.weight.clone(), stride), f)
    }
}

/// A cell and the separable convolution with stride 2 that follows it.
struct Cell {
    input: Layer,
    depthwise: Layer,
    separable: [Layer; 2],
    output: Layer,
    reduction: [Layer; 2],
}

impl Cell {
    fn new(width: usize, device: &Device) -> Self {
        let one = |output: usize, input: usize| Layer::new([output, input, 1, 1], device);
        let three = |width: usize| Layer::new([width, 1, 3, 3], device);
        Self {
            input: one(width, width),
            depthwise: three(width),
            separable: [three(width), one(width, width)],
            output: one(width, width * 5),
            reduction: [three(width), one(width * 2, width)],
        }
    }

    fn forward(&self, x: Tensor<4>, f: &Formulation) -> Tensor<4> {
        let a = self.input.conv(x, 1, f);
        let b = self.depthwise.depthwise(a.clone(), 1, f);
        let c = self.separable[1].conv(self.separable[0].depthwise(a.clone(), 1, f), 1, f);
        let (d, e) = ((f.max_pool)(b.clone()), (f.avg_pool)(c.clone()));
        let joined = self.output.conv_joined(vec![a, b, c, d, e], f);
        self.reduction[1].conv(self.reduction[0].depthwise(joined, 2, f), 1, f)
    }
}

/// The network, for ten classes.
pub(crate) struct Network {
    stem: Layer,
    cells: Vec<Cell>,
    weight: Tensor<2>,
    bias: Tensor<1>,
}

impl Network {
    pub(crate) fn new(width: usize, device: &Device) -> Self {
        Self {
            stem: Layer::new([width, 3, 3, 3], device),
            cells: (0..3).map(|cell| Cell::new(width << cell, device)).collect(),
            weight: Tensor::random([width * 8, 10], Distribution::Normal(0.0, 0.1), device).require_grad(),
            bias: Tensor::zeros([10], device).require_grad(),
        }
    }

    /// The loss of one batch, all images of class 3.
    pub(crate) fn loss(&self, images: Tensor<4>, f: &Formulation) -> Tensor<1> {
        let labels = Tensor::<1, Int>::full([images.dims()[0]], 3, &images.device());
        let stem = self.stem.conv(images, 1, f);
        let features = self.cells.iter().fold(stem, |x, cell| cell.forward(x, f));
        let pooled = kernels::global_avg_pool(features);
        kernels::cross_entropy(kernels::linear(pooled, self.weight.clone(), self.bias.clone()), labels)
    }
}
