//! One experiment wired together: controller, workers, retraining.
