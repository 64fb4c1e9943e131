//! Results do not depend on how the device schedules its work: the same call gives the same bits.

use hnas_gpu::conv::{self, Layout, Window};
use hnas_gpu::norm::{self, Moments, Norm};
use hnas_gpu::{Activation, pitch};

use crate::sample::{PRECISIONS, Random, download, machine, unwritten, upload_channels};

#[test]
fn sums_are_taken_in_one_order() {
    let Some(machine) = machine() else { return };
    for precision in PRECISIONS {
        let mut random = Random::with_maps(precision, 13);
        let (pixels, channels) = (10_000, 35);
        let input = random.input(pixels, channels, Some(true)).upload(&machine);
        let slope = random.output(pixels, channels, true).upload(&machine);
        let window = Window { height: pixels, width: 1, kernel: 1, stride: 1 };
        let layout = Layout { inputs: vec![channels], outputs: channels, kernel: 1 };
        let [gamma, beta] = [(); 2].map(|()| upload_channels(&machine, &random.numbers(channels)));
        let norm = Norm { gamma: &gamma, beta: &beta, epsilon: 1e-5, relu: true };
        let run = || {
            let gradient = unwritten(&machine, layout.values());
            conv::weight_gradient(&machine, &[input.reading()], slope.slope(), window, &gradient);
            let moments = Moments(unwritten(&machine, 2 * pitch(channels)));
            let activation = Activation(unwritten(&machine, 3 * pitch(channels)));
            norm::batch_statistics(&machine, input.reading().map, norm, &moments, &activation);
            [gradient, moments.0, activation.0]
                .map(|found| download(&machine, &found).iter().map(|value| value.to_bits()).collect::<Vec<u32>>())
        };
        let first = run();
        for _ in 0..3 {
            assert_eq!(run(), first);
        }
    }
}
