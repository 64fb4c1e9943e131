//! Every operation against the same operation of `hnas-kernels` on the CPU, with random numbers and odd sizes, on a Vulkan
//! device; one in software is enough.

mod sample;

mod augmentation;
mod conv;
mod copy;
mod depthwise;
mod head;
mod norm;
mod order;
mod pool;
mod sgd;
mod sum;
mod training;
