//! What a person with a GPU runs: whether it computes what the CPU computes, and how fast.
//!
//! ```text
//! cargo run --release -p hnas-engine --example check --features cuda -- cuda:0
//! cargo run --release -p hnas-engine --example check --features vulkan -- vulkan:0
//! ```
//!
//! It ends with 1 if the numbers are not those of the CPU. On a device in software everything runs, on fewer images, and
//! the times mean nothing.

mod kernels;
mod networks;

use std::error::Error;
use std::process::ExitCode;
use std::time::Instant;

use hnas_engine::{DeviceChoice, open_device};
use hnas_gpu::Machine;

/// Prints all of it.
fn main() -> Result<ExitCode, Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("the first argument is a device: cuda:0 or vulkan:0")?;
    let choice: DeviceChoice = name.parse()?;
    let device = open_device(choice)?;
    let machine = machine(choice)?;
    println!("device       {device}, {machine:?}");
    if let Some(bytes) = machine.memory() {
        println!("memory       {:.1} GB", bytes as f64 / 1e9);
    }
    let software = machine.is_software();
    if software {
        println!("             It is a device in software: everything below runs, and its times mean nothing.");
    }

    println!("\nnumbers      largest difference from the CPU, relative to the largest number");
    let same = networks::compare(&device, if software { 4 } else { 64 })?;

    let bandwidth = kernels::copy_bandwidth(&machine, if software { 1 << 20 } else { 1 << 26 })?;
    println!("\nbandwidth    {:.1} GB/s, of a kernel that copies", bandwidth / 1e9);
    kernels::measure(&machine, bandwidth)?;

    println!("\ntraining     a step: batch cut out, forward, backward, update");
    networks::measure(&device, bandwidth, software)?;
    println!("\n{}", if same { "The numbers are those of the CPU." } else { "THE NUMBERS ARE NOT THOSE OF THE CPU." });
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn machine(choice: DeviceChoice) -> Result<Machine, Box<dyn Error>> {
    match choice {
        #[cfg(feature = "cuda")]
        DeviceChoice::Cuda(index) => Ok(Machine::cuda(index)?),
        #[cfg(feature = "vulkan")]
        DeviceChoice::Vulkan(index) => Ok(Machine::vulkan(index)),
        other => Err(format!("{other} is no GPU of this build").into()),
    }
}

/// Seconds of one call of some work that a device queues: of many in a row, after one that is not counted.
fn seconds(machine: &Machine, work: impl Fn()) -> Result<f64, Box<dyn Error>> {
    let mark = machine.upload(&[0.0f32; 4]);
    work();
    machine.wait(&mark)?;
    let started = Instant::now();
    work();
    machine.wait(&mark)?;
    // About a fifth of a second in all.
    let calls = (0.2 / started.elapsed().as_secs_f64()).clamp(1.0, 1000.0) as usize;
    let started = Instant::now();
    (0..calls).for_each(|_| work());
    machine.wait(&mark)?;
    Ok(started.elapsed().as_secs_f64() / calls as f64)
}
