//! What a graph and a program compute, as one symbol for each logit: a hash of the whole expression. Two networks with
//! the same symbols compute the same function with the same parameters.

use std::hash::{DefaultHasher, Hash, Hasher};

use hnas_compiler::{Graph, MapId, Node, Normalization, Op, Program, SeparableInner, Shape, Step};

/// One symbol for each channel.
type Channels = Vec<u64>;

fn symbol(name: &str, parts: impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    (name, parts).hash(&mut hasher);
    hasher.finish()
}

/// Symbols of the logits of a graph, by the definition of each operation.
pub(crate) fn of_graph(graph: &Graph) -> Channels {
    let mut values: Vec<Channels> = Vec::new();
    let (mut convolution, mut linear) = (0, 0);
    for node in graph.nodes() {
        let inputs: Vec<&Channels> = node.inputs.iter().map(|input| &values[input.index()]).collect();
        let value = of_node(node, &inputs, convolution, linear);
        assert_eq!(value.len(), node.shape.channels, "{}", node.op);
        values.push(value);
        match node.op {
            Op::Conv { .. } | Op::Depthwise { .. } => convolution += 1,
            Op::Separable { .. } => convolution += 2,
            Op::Linear { .. } => linear += 1,
            _ => {}
        }
    }
    values.swap_remove(graph.output().index())
}

fn of_node(node: &Node, inputs: &[&Channels], number: usize, linear: usize) -> Channels {
    let read: Channels = inputs.iter().flat_map(|input| input.iter().copied()).collect();
    let shape = node.shape;
    let relu = |convolution| Some(Normalization { convolution, first: 0, relu: true });
    match node.op {
        Op::Input => (0..shape.channels).map(|channel| symbol("image", channel)).collect(),
        Op::Conv { kernel, stride, .. } => normalized(full(&read, number, kernel, stride, shape), relu(number)),
        Op::Depthwise { stride } => normalized(single(&read, number, 0, stride, shape), relu(number)),
        Op::Separable { stride, inner, .. } => {
            let between = match inner {
                SeparableInner::Nothing => None,
                SeparableInner::BatchNorm => Some(Normalization { convolution: number, first: 0, relu: false }),
                SeparableInner::BatchNormRelu => relu(number),
            };
            let middle = normalized(single(&read, number, 0, stride, shape), between);
            normalized(full(&middle, number + 1, 1, 1, shape), relu(number + 1))
        }
        Op::MaxPool => pooled("max", &read, shape),
        Op::AvgPool => pooled("average", &read, shape),
        Op::GlobalAvgPool => pooled("global", &read, shape),
        Op::Identity | Op::Concat => read,
        Op::Sum if inputs.len() == 1 => read,
        Op::Sum => {
            let channel = |channel| inputs.iter().map(|input| input[channel]).collect();
            (0..shape.channels).map(|index| added(channel(index), shape)).collect()
        }
        Op::Linear { classes } => (0..classes).map(|class| symbol("linear", (linear, class, &read))).collect(),
    }
}

/// Symbols of the logits of a program.
pub(crate) fn of_program(program: &Program) -> Channels {
    let mut values: Vec<Channels> = vec![Vec::new(); program.maps().len()];
    let shape = |map: &MapId| program.maps()[map.index()].shape;
    values[0] = (0..program.maps()[0].shape.channels).map(|channel| symbol("image", channel)).collect();
    for step in program.steps() {
        let read = |map: &MapId| normalized(values[map.index()].clone(), program.maps()[map.index()].normalization);
        let all = |maps: &[MapId]| maps.iter().flat_map(read).collect::<Channels>();
        let given: Vec<(MapId, Channels)> = match step {
            Step::Pointwise { inputs, products } => {
                let read = all(inputs);
                let product = |output: &MapId, number| (*output, full(&read, number, 1, 1, shape(output)));
                products.iter().map(|each| product(&each.output, each.convolution)).collect()
            }
            Step::Conv { inputs, convolution, kernel, stride, output } => {
                vec![(*output, full(&all(inputs), *convolution, *kernel, *stride, shape(output)))]
            }
            Step::Depthwise { input, convolution, first, stride, output } => {
                vec![(*output, single(&read(input), *convolution, *first, *stride, shape(output)))]
            }
            Step::MaxPool { input, output } => vec![(*output, pooled("max", &read(input), shape(output)))],
            Step::AvgPool { input, output } => vec![(*output, pooled("average", &read(input), shape(output)))],
            Step::GlobalAvgPool { input, output } => vec![(*output, pooled("global", &read(input), shape(output)))],
            Step::Sum { inputs, output } => {
                let mut terms: Vec<Vec<u64>> = vec![Vec::new(); shape(output).channels];
                for (map, first) in inputs {
                    for (channel, symbol) in read(map).into_iter().enumerate() {
                        terms[first + channel].push(symbol);
                    }
                }
                vec![(*output, terms.into_iter().map(|terms| added(terms, shape(output))).collect())]
            }
            Step::Linear { inputs, linear, output } => {
                let read = all(inputs);
                let class = |class| symbol("linear", (*linear, class, &read));
                vec![(*output, (0..shape(output).channels).map(class).collect())]
            }
        };
        for (map, value) in given {
            assert_eq!(value.len(), shape(&map).channels, "{step:?}");
            values[map.index()] = value;
        }
    }
    values.swap_remove(program.output().index())
}

fn full(read: &[u64], convolution: usize, kernel: usize, stride: usize, shape: Shape) -> Channels {
    let read = symbol("list", read);
    let size = (shape.height, shape.width);
    (0..shape.channels).map(|out| symbol("conv", (convolution, out, kernel, stride, read, size))).collect()
}

fn single(read: &[u64], convolution: usize, first: usize, stride: usize, shape: Shape) -> Channels {
    let channel =
        |(channel, read)| symbol("depthwise", (convolution, channel, stride, read, shape.height, shape.width));
    (first..).zip(read).map(channel).collect()
}

fn normalized(channels: Channels, normalization: Option<Normalization>) -> Channels {
    let Some(Normalization { convolution, first, relu }) = normalization else { return channels };
    (first..).zip(channels).map(|(channel, read)| symbol("normalized", (convolution, channel, relu, read))).collect()
}

fn pooled(kind: &str, read: &[u64], shape: Shape) -> Channels {
    read.iter().map(|read| symbol(kind, (read, shape.height, shape.width))).collect()
}

fn added(terms: Vec<u64>, shape: Shape) -> u64 {
    symbol("sum", (terms, shape.height, shape.width))
}
