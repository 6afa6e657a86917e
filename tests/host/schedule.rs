//! Learning rates at the steps where a schedule changes.

use wgrad::config::{RunConfig, ScheduleKind};
use wgrad::train::schedule::Schedule;

fn schedule(change: impl FnOnce(&mut RunConfig)) -> Schedule {
    let mut config = RunConfig::default();
    change(&mut config);
    config.validate().unwrap();
    Schedule::new(&config)
}

/// The product of a few factors of 0.1 is known to a few roundings.
fn close(got: f64, want: f64) {
    assert!((got - want).abs() <= 4.0 * f64::EPSILON * want.abs(), "got {got}, want {want}");
}

#[test]
fn the_rate_falls_at_the_first_step_after_a_milestone() {
    let schedule = schedule(|_| {});
    let epoch = 313;
    for (finished, want) in [(91, 0.01), (136, 0.001), (182, 0.0001)] {
        close(schedule.lr_at(finished * epoch - 1, epoch, 200), 10.0 * want);
        close(schedule.lr_at(finished * epoch, epoch, 200), want);
    }
    assert_eq!(schedule.lr_at(0, epoch, 200), 0.1);
    close(schedule.lr_at(u64::from(u32::MAX), epoch, 200), 0.0001);
}

#[test]
fn milestones_may_be_fractions_of_an_epoch() {
    let schedule = schedule(|c| {
        c.schedule.milestones = vec![0.07, 1.5];
        c.schedule.gamma = 0.5;
    });
    // 0.07 * 100 is 7.000000000000001 in f64: the step is 7 all the same.
    for (step, want) in [(6, 0.1), (7, 0.05), (149, 0.05), (150, 0.025)] {
        assert_eq!(schedule.lr_at(step, 100, 2), want, "step {step}");
    }
}

#[test]
fn constant_stays() {
    let schedule = schedule(|c| c.schedule.kind = ScheduleKind::Constant);
    for step in [0, 1, 91 * 10, 5_000_000] {
        assert_eq!(schedule.lr_at(step, 10, 100), 0.1);
    }
}

#[test]
fn cosine_passes_through_its_known_points() {
    let schedule = schedule(|c| {
        c.schedule.kind = ScheduleKind::Cosine;
        c.optimizer.lr = 0.8;
    });
    let at = |step| schedule.lr_at(step, 10, 6);
    assert_eq!(at(0), 0.8);
    // cos(pi/3) = 1/2, cos(pi/2) = 0, cos(2 pi/3) = -1/2.
    close(at(20), 0.6);
    close(at(30), 0.4);
    // The cosine's rounding, half an ulp of 1/2 relative to 1/2, doubles where 1 - 1/2 cancels.
    assert!((at(40) - 0.2).abs() <= 8.0 * f64::EPSILON * 0.2);
    assert!(at(59) > 0.0 && at(59) < 0.001);
    assert_eq!(at(60), 0.0);
    assert_eq!(at(1000), 0.0);
    assert!((0..60).all(|step| at(step) > at(step + 1)), "it falls at every step");
}

#[test]
fn warm_up_rises_to_the_full_rate_and_the_cosine_starts_there() {
    let schedule = schedule(|c| {
        c.schedule.kind = ScheduleKind::Cosine;
        c.schedule.warmup_epochs = 0.5;
        c.optimizer.lr = 1.0;
    });
    let at = |step| schedule.lr_at(step, 8, 3);
    for (step, want) in [(0, 0.25), (1, 0.5), (2, 0.75), (3, 1.0), (4, 1.0)] {
        assert_eq!(at(step), want, "step {step}");
    }
    // 20 steps remain after the four of the warm-up; the middle one has half the rate.
    close(at(14), 0.5);
    assert_eq!(at(24), 0.0);
}

#[test]
fn warm_up_multiplies_the_steps_of_a_step_schedule() {
    let schedule = schedule(|c| {
        c.schedule.milestones = vec![1.0];
        c.schedule.gamma = 0.5;
        c.schedule.warmup_epochs = 2.0;
        c.optimizer.lr = 1.0;
    });
    for (step, want) in [(0, 0.125), (3, 0.5), (4, 0.3125), (7, 0.5), (8, 0.5)] {
        assert_eq!(schedule.lr_at(step, 4, 4), want, "step {step}");
    }
}
