//! Puts an operation written over slices on burn's autodiff tape.

use std::fmt::Debug;

use burn::backend::autodiff::NodeId;
use burn::backend::autodiff::checkpoint::base::Checkpointer;
use burn::backend::autodiff::checkpoint::strategy::NoCheckpointing;
use burn::backend::autodiff::grads::Gradients;
use burn::backend::autodiff::ops::{Backward, Ops, OpsKind};
use burn::backend::flex::{FlexTensor, Layout};
use burn::backend::tensor::FloatTensor;
use burn::backend::{Autodiff, DispatchDevice, Flex, GradientCheckpointingStrategy};
use burn::tensor::{Bytes, DType, Shape, Tensor};

/// 32-bit floats without gaps, shared and never changed.
#[derive(Clone, Debug)]
pub(crate) struct Array(FlexTensor);

impl Array {
    /// Takes a tensor of 32-bit floats, copying it if its values do not lie in order.
    fn from_tensor(tensor: FlexTensor) -> Self {
        if tensor.as_slice::<f32>().is_some() { Self(tensor) } else { Self(tensor.to_contiguous()) }
    }

    /// Takes the values of an array of the given shape.
    pub(crate) fn new(values: Vec<f32>, shape: &[usize]) -> Self {
        let layout = Layout::contiguous(Shape::from(shape.to_vec()));
        Self(FlexTensor::new(Bytes::from_elems(values), layout, DType::F32))
    }

    pub(crate) fn values(&self) -> &[f32] {
        self.0.as_slice().expect("the only constructors take 32-bit floats in order")
    }

    /// The sizes of the axes. Panics unless there are `D` of them.
    pub(crate) fn dims<const D: usize>(&self) -> [usize; D] {
        self.0.layout().shape().dims()
    }
}

/// A differentiable operation of `N` arguments and one result.
pub(crate) trait Operation<const N: usize>: Clone + Debug + Send + 'static {
    /// What the backward pass needs.
    type Kept: Clone + Debug + Send + 'static;

    /// The result alone.
    fn forward(&self, arguments: &[Array; N]) -> Array;

    /// The result and what the backward pass needs.
    fn forward_keeping(&self, arguments: [Array; N]) -> (Array, Self::Kept);

    /// The gradients with respect to the arguments, those that are `wanted` at least.
    fn backward(&self, kept: Self::Kept, gradient: Array, wanted: [bool; N]) -> [Option<Array>; N];
}

/// An argument of an operation, on the tape or not.
pub(crate) enum Argument {
    Constant(FlexTensor),
    Tracked(FloatTensor<Autodiff<Flex>>),
}

/// Whether a tensor is one the fused operations take: 32-bit floats on the CPU, without gradient checkpointing.
pub(crate) fn is_here<const D: usize>(tensor: &Tensor<D>) -> bool {
    let device = tensor.device();
    let here = match device.as_dispatch() {
        DispatchDevice::Flex(_) => true,
        DispatchDevice::Autodiff(device) => {
            device.gradient_checkpointing_strategy() == GradientCheckpointingStrategy::Disabled
                && matches!(**device, DispatchDevice::Flex(_))
        }
        #[allow(unreachable_patterns)] // other backends are there with their features only
        _ => false,
    };
    here && tensor.dtype() == DType::F32
}

impl<const D: usize> From<Tensor<D>> for Argument {
    /// Panics unless the tensor [`is_here`].
    fn from(tensor: Tensor<D>) -> Self {
        let expectation = "a tensor that is here lives on the CPU backend";
        if tensor.device().is_autodiff() {
            Self::Tracked(tensor.try_into_primitive::<Autodiff<Flex>>().expect(expectation))
        } else {
            Self::Constant(tensor.try_into_primitive::<Flex>().expect(expectation))
        }
    }
}

impl Argument {
    /// The values.
    pub(crate) fn array(&self) -> Array {
        let tensor = match self {
            Self::Constant(tensor) => tensor,
            Self::Tracked(tensor) => tensor.primitive(),
        };
        Array::from_tensor(tensor.clone())
    }

    /// Whether a gradient may be asked of it.
    pub(crate) fn wants_gradient(&self) -> bool {
        matches!(self, Self::Tracked(tensor) if tensor.is_tracked())
    }

    /// A tensor of the given values on this argument's device, no gradient flowing through it.
    pub(crate) fn detached<const D: usize>(&self, values: Array) -> Tensor<D> {
        match self {
            Self::Constant(_) => Tensor::from_primitive::<Flex>(values.0),
            Self::Tracked(_) => Tensor::from_primitive::<Autodiff<Flex>>(FloatTensor::<Autodiff<Flex>>::new(values.0)),
        }
    }
}

/// Runs an operation and, if any argument is on the tape, records it.
pub(crate) fn apply<O: Operation<N>, const N: usize, const D: usize>(
    operation: O,
    arguments: [Argument; N],
) -> Tensor<D> {
    let arrays = arguments.each_ref().map(Argument::array);
    if arguments.iter().all(|argument| matches!(argument, Argument::Constant(_))) {
        return Tensor::from_primitive::<Flex>(operation.forward(&arrays).0);
    }
    let nodes = arguments.map(|argument| match argument {
        Argument::Constant(tensor) => FloatTensor::<Autodiff<Flex>>::new(tensor).node(),
        Argument::Tracked(tensor) => tensor.node(),
    });
    let result = match Step::<O>::default().prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(step) => {
            let (result, kept) = operation.forward_keeping(arrays);
            step.finish((operation, kept), result.0)
        }
        OpsKind::UnTracked(step) => step.finish(operation.forward(&arrays).0),
    };
    Tensor::from_primitive::<Autodiff<Flex>>(result)
}

/// The backward pass of an operation as the tape knows it.
#[derive(Debug)]
struct Step<O>(std::marker::PhantomData<O>);

impl<O> Default for Step<O> {
    fn default() -> Self {
        Self(std::marker::PhantomData)
    }
}

impl<O: Operation<N>, const N: usize> Backward<Flex, N> for Step<O> {
    type State = (O, O::Kept);

    fn backward(self, step: Ops<Self::State, N>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let gradient = Array::from_tensor(gradients.consume::<Flex>(&step.node));
        let (operation, kept) = step.state;
        let wanted = step.parents.each_ref().map(Option::is_some);
        let results = operation.backward(kept, gradient, wanted);
        for (parent, result) in step.parents.iter().zip(results) {
            if let Some(parent) = parent {
                let id: NodeId = parent.id;
                gradients.register::<Flex>(id, result.expect("a wanted gradient is given").0);
            }
        }
    }
}
