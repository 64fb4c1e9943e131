//! How fast a training can be at best on some GPUs: `hnas inspect --roofline`.

use anyhow::Result;
use hnas_compiler::Program;
use hnas_engine::Precision;
use serde::Serialize;

/// A processor as its maker's data sheet gives it.
struct Device {
    name: &'static str,
    /// Of its memory.
    bytes_a_second: f64,
    /// In 32-bit floats, without matrix units; a multiply-add counts as two operations on data sheets, as one here.
    multiply_adds_a_second: f64,
}

/// The paper's GPU and two later ones.
const DEVICES: [Device; 3] = [
    Device { name: "P100 (SXM2, 16 GB)", bytes_a_second: 732e9, multiply_adds_a_second: 5.3e12 },
    Device { name: "A100 (SXM, 40 GB)", bytes_a_second: 1555e9, multiply_adds_a_second: 9.75e12 },
    Device { name: "H100 (SXM, 80 GB)", bytes_a_second: 3350e9, multiply_adds_a_second: 33.5e12 },
];

/// How maps may lie in memory.
const PRECISIONS: [Precision; 2] = [Precision::F32, Precision::Bf16];

/// Bounds of a training step.
#[derive(Serialize)]
pub(crate) struct Roofline {
    batch: usize,
    multiply_adds: u64,
    precisions: Vec<InPrecision>,
}

/// The same with maps of one precision.
#[derive(Serialize)]
struct InPrecision {
    precision: Precision,
    bytes: u64,
    devices: Vec<Bound>,
}

#[derive(Serialize)]
struct Bound {
    device: &'static str,
    bytes_a_second: f64,
    multiply_adds_a_second: f64,
    /// Of a step, at least.
    seconds: f64,
    /// At most.
    images_a_second: f64,
    /// Part of the seconds in passes that wait for the memory.
    memory_share: f64,
}

impl Roofline {
    /// Of training steps over so many images.
    pub(crate) fn of(program: &Program, batch: usize) -> Roofline {
        let multiply_adds = program.total_training_work(batch, 0).multiply_adds;
        let precisions = PRECISIONS.map(|precision| InPrecision::of(program, batch, precision)).into();
        Roofline { batch, multiply_adds, precisions }
    }

    pub(crate) fn print(&self) -> Result<()> {
        let Roofline { batch, multiply_adds, precisions } = self;
        say!("\na training step of {batch} images: {:.1} G multiply-adds", *multiply_adds as f64 / 1e9);
        precisions.iter().try_for_each(InPrecision::print)?;
        say!(
            "Not measured: bandwidth and 32-bit peak of data sheets, each fused pass as slow as the slower of the two."
        );
        Ok(())
    }
}

impl InPrecision {
    fn of(program: &Program, batch: usize, precision: Precision) -> InPrecision {
        let work = program.training_work(batch, precision.bytes());
        let bound = |&Device { name, bytes_a_second, multiply_adds_a_second }: &Device| {
            let (mut seconds, mut waiting) = (0.0, 0.0);
            for pass in &work {
                let time = pass.seconds(bytes_a_second, multiply_adds_a_second);
                seconds += time;
                if time > pass.multiply_adds as f64 / multiply_adds_a_second {
                    waiting += time;
                }
            }
            let (images_a_second, memory_share) = (batch as f64 / seconds, waiting / seconds);
            Bound { device: name, bytes_a_second, multiply_adds_a_second, seconds, images_a_second, memory_share }
        };
        let bytes = work.iter().map(|pass| pass.bytes).sum();
        InPrecision { precision, bytes, devices: DEVICES.iter().map(bound).collect() }
    }

    fn print(&self) -> Result<()> {
        let InPrecision { precision, bytes, devices } = self;
        say!("\nwith maps in {precision:?}: {:.2} GB moved", *bytes as f64 / 1e9);
        say!(
            "{:<20} {:>8} {:>9} {:>11} {:>12} {:>17}",
            "at best on",
            "GB/s",
            "TMAC/s",
            "ms a step",
            "images/s",
            "bound by memory"
        );
        for bound in devices {
            say!(
                "{:<20} {:>8.0} {:>9.2} {:>11.2} {:>12.0} {:>15.0} %",
                bound.device,
                bound.bytes_a_second / 1e9,
                bound.multiply_adds_a_second / 1e12,
                bound.seconds * 1e3,
                bound.images_a_second,
                bound.memory_share * 100.0
            );
        }
        Ok(())
    }
}
