//! A batch in chunks: in order, and with the same bits on any number of threads.

use hnas_kernels::chunks::{images_per_chunk, map};
use hnas_kernels::pointwise::{Destination, Target, Weights, Writing};
use hnas_kernels::pool::Winners;
use hnas_kernels::{
    Activation, BLOCK, Block, Gathering, GradientSums, Moments, NormGradient, Reading, Slope, Sums, add_gradients,
    blocks, conv, depthwise, pack, pointwise, pool, values,
};

use crate::naive::{Map, random, rng};

const HEIGHT: usize = 9;
const WIDTH: usize = 7;
const IN: usize = 20;
const OUT: usize = 17;

/// A step of a small network: 1x1 convolution, batch normalisation, depthwise convolution, pool and 3x3 convolution, and
/// back, over chunks of so many images. Gives all maps, all sums and all gradients.
pub(crate) fn step(batch: usize, images: usize, backwards: bool) -> [Vec<f32>; 2] {
    let rng = &mut rng(3);
    let x = Map::random(batch * HEIGHT * WIDTH, IN, rng).blocks();
    let point = Weights::pack(&[IN], &[(OUT, &random(IN * OUT, rng))]);
    let depth = depthwise::pack(&random(OUT * 9, rng));
    let window = conv::Window { height: HEIGHT, width: WIDTH, channels: OUT, kernel: 3, stride: 2 };
    let full = window.pack(5, &random(5 * OUT * 9, rng));
    let (gamma, beta) = (random(OUT, rng), random(OUT, rng));
    let g = Map::random(batch * HEIGHT * WIDTH, OUT, rng).blocks();
    let late = Map::random(batch * HEIGHT.div_ceil(2) * WIDTH.div_ceil(2), 5, rng).blocks();
    let (pixels, size) = (HEIGHT * WIDTH, depthwise::Size { height: HEIGHT, width: WIDTH, stride: 1 });
    let wide = pixels * blocks(OUT) * images;
    let zeros = || vec![Block::ZERO; batch * pixels * blocks(OUT)];
    fn read<'a>(map: &'a [Block], channels: usize, activation: Option<&'a Activation>) -> Reading<'a> {
        Reading { map, blocks: blocks(channels), channels, activation }
    }

    let mut z = zeros();
    let parts = x.chunks(images * pixels * blocks(IN)).zip(z.chunks_mut(wide)).collect();
    let sums = map(parts, backwards, |_, (x, z): (&[Block], &mut [Block])| {
        let mut sums = Sums::new(blocks(OUT));
        pointwise::forward(&[read(x, IN, None)], &point, &mut [Writing { map: z, sums: Some(&mut sums) }]);
        sums
    });
    let moments = Moments::of(&sums, OUT);
    let activation = moments.activation(&gamma, &beta, 1e-5, true);

    let (mut y, mut pooled, mut winners) = (zeros(), zeros(), vec![Winners::default(); z.len()]);
    let mut last = vec![Block::ZERO; late.len()];
    let outs = y.chunks_mut(wide).zip(pooled.chunks_mut(wide)).zip(winners.chunks_mut(wide));
    let parts = z.chunks(wide).zip(outs).zip(last.chunks_mut(images * late.len() / batch)).collect();
    map(parts, backwards, |_, ((z, ((y, pooled), winners)), last): ((&[Block], _), _)| {
        let y: &mut [Block] = y;
        depthwise::forward(read(z, OUT, Some(&activation)), size, &depth, y, &mut None);
        pool::max_forward(read(y, OUT, None), HEIGHT, WIDTH, pooled, winners);
        conv::forward(&[read(pooled, OUT, None)], window, &full, &mut Writing { map: last, sums: None });
    });

    let mut dz = zeros();
    let parts = z.chunks(wide).zip(g.chunks(wide)).collect();
    let gradients = map(parts, backwards, |_, (z, g)| {
        let mut sums = GradientSums::new(blocks(OUT));
        add_gradients(&mut sums, z, g, &activation, &pack(&moments.mean));
        sums
    });
    let norm = NormGradient::of(&gradients, &moments, &gamma, 1e-5, batch * pixels);
    let ins = z.chunks(wide).zip(g.chunks(wide)).zip(late.chunks(images * late.len() / batch));
    let weights = map(ins.zip(dz.chunks_mut(wide)).collect(), backwards, |_, (((z, g), late), dz)| {
        let (reading, mut found) = (read(z, OUT, Some(&activation)), vec![[Block::ZERO; 9]; depth.len()]);
        let slope = Slope { gradient: g, blocks: blocks(OUT), normalized: Some((z, &activation, &norm.coefficients)) };
        let mut sums = GradientSums::new(blocks(OUT));
        let gathering = Some(Gathering { sums: &mut sums, mean: &pack(&moments.mean) });
        let destination = Destination { map: dz, gathering };
        depthwise::backward(reading, slope, size, &depth, &mut Some((destination, false)), &mut found);
        let late = Slope { gradient: late, blocks: 1, normalized: None };
        let mut windows = vec![Block::ZERO; full.gradient_blocks()];
        conv::backward(&[reading], window, late, &full, &[Target::Add(0)], &mut [dz], &mut windows);
        ([found.concat(), windows].concat(), sums)
    });
    let (weights, gathered): (Vec<_>, Vec<_>) = weights.into_iter().unzip();
    let early = NormGradient::of(&gathered, &moments, &gamma, 1e-5, batch * pixels);
    let flat = |maps: &[&[Block]]| maps.iter().flat_map(|map| values(map).to_vec()).collect();
    let weights: Vec<&[Block]> = weights.iter().map(Vec::as_slice).collect();
    let places: Vec<f32> = winners.as_flattened().iter().map(|&place| f32::from(place)).collect();
    let numbers = [
        moments.mean.clone(),
        moments.variance.clone(),
        norm.gamma.clone(),
        norm.beta.clone(),
        early.gamma,
        early.beta,
        flat(&weights),
    ];
    [[flat(&[&z]), numbers.concat()].concat(), [flat(&[&y, &pooled, &last, &dz]), places].concat()]
}

fn bits(values: &[f32]) -> Vec<u32> {
    values.iter().map(|value| value.to_bits()).collect()
}

#[test]
fn threads_and_direction_do_not_change_a_bit() {
    for batch in [1, 5, 37] {
        let run = |threads, backwards| {
            let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            threads.install(|| step(batch, images_per_chunk(batch), backwards).map(|values| bits(&values)))
        };
        let expected = run(1, false);
        for (threads, backwards) in [(1, true), (2, false), (2, true)] {
            assert_eq!(run(threads, backwards), expected, "a batch of {batch}, {threads} threads, {backwards}");
        }
    }
}

/// All but the rounding of what is added up over the batch.
#[test]
fn chunks_give_what_the_whole_gives() {
    for images in [1, 2, 3] {
        let ([chunked, chunked_later], [whole, later]) = (step(5, images, false), step(5, 5, false));
        let z = 5 * HEIGHT * WIDTH * blocks(OUT) * BLOCK;
        assert_eq!(bits(&chunked[..z]), bits(&whole[..z]), "a convolution over chunks of {images}");
        let moments = chunked[z..][..2 * OUT].iter().zip(&whole[z..]);
        moments.for_each(|(chunked, whole)| assert!((chunked - whole).abs() < 1e-5 * whole.abs().max(1.0)));
        let maps = chunked_later.iter().zip(&later).filter(|(chunked, whole)| (**chunked - **whole).abs() > 1e-4);
        assert_eq!(maps.count(), 0, "maps and winners over chunks of {images}");
    }
}

#[test]
fn results_come_in_order() {
    for (threads, backwards) in [1, 2, 5].into_iter().flat_map(|threads| [(threads, false), (threads, true)]) {
        let threads = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let double = |chunk, prepared: usize| (chunk, prepared * 2);
        let found = threads.install(|| map((100..200).collect(), backwards, double));
        assert!(found.iter().enumerate().all(|(index, &found)| found == (index, (index + 100) * 2)));
        assert_eq!(found.len(), 100);
        assert!(threads.install(|| map(Vec::<u8>::new(), backwards, |_, prepared| prepared)).is_empty());
    }
}

#[test]
fn the_last_chunk_is_done_first_backwards() {
    let threads = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    for (backwards, expected) in [(false, [0, 1, 2]), (true, [2, 1, 0])] {
        let done = std::sync::Mutex::new(Vec::new());
        threads.install(|| map(vec![(); 3], backwards, |chunk, ()| done.lock().unwrap().push(chunk)));
        assert_eq!(done.into_inner().unwrap(), expected);
    }
}

#[test]
fn a_batch_has_16_chunks_at_most() {
    for batch in 0..300 {
        let images = images_per_chunk(batch);
        assert!(images >= 1 && batch.div_ceil(images) <= 16, "{batch} images");
    }
    assert_eq!([1, 16, 17, 128].map(images_per_chunk), [1, 1, 2, 8]);
}
