//! Learning rates at the steps where a schedule changes.

use wgrad::config::{PruneConfig, PruneScope, RunConfig, ScheduleKind};
use wgrad::kernels::Activation;
use wgrad::nn::models::{self, Settings};
use wgrad::train::schedule::Schedule;
use wgrad::train::{LrFound, Plateau, Sweep, Watch, masks, mixup_share};

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

/// He et al.'s ResNet-110: a tenth of the rate for 400 steps of 352 an epoch; akamaster's: for the first epoch.
#[test]
fn a_warm_up_may_hold_a_share_of_the_rate() {
    for (recipe, epoch, steps) in [("he_resnet110", 352, 400), ("akamaster_resnet110", 391, 391)] {
        let config = RunConfig::from_layers(Some(recipe), &[], &toml::Table::new()).unwrap();
        let schedule = Schedule::new(&config);
        for step in [0, 1, steps - 1] {
            close(schedule.lr_at(step, epoch, config.epochs), 0.01);
        }
        for step in [steps, steps + 1, 91 * epoch - 1] {
            close(schedule.lr_at(step, epoch, config.epochs), 0.1);
        }
    }
}

/// airbench94's `triangle(480, start=0.2, end=0.07, peak=0.23)`, whose peak is at step int(0.23 * 480) = 110.
#[test]
fn a_triangle_rises_and_falls() {
    let schedule = schedule(|c| {
        c.schedule.kind = ScheduleKind::Triangle;
        c.optimizer.lr = 1.5;
    });
    let at = |step| schedule.lr_at(step, 48, 10) / 1.5;
    for (step, want) in [(0, 0.2), (55, 0.6), (110, 1.0), (295, 0.535), (480, 0.07), (1000, 0.07)] {
        close(at(step), want);
    }
    assert!((0..110).all(|step| at(step) < at(step + 1)) && (110..480).all(|step| at(step) > at(step + 1)));
}

#[test]
fn exponential_halves_as_it_says() {
    let make = |staircase| {
        schedule(|c| {
            c.schedule.kind = ScheduleKind::Exponential;
            (c.schedule.gamma, c.schedule.decay_epochs, c.schedule.staircase) = (0.25, 2.0, staircase);
        })
    };
    let at = |staircase, step| make(staircase).lr_at(step, 10, 100);
    for (step, smooth, stairs) in
        [(0, 0.1, 0.1), (10, 0.05, 0.1), (19, 0.1 * 0.25f64.powf(0.95), 0.1), (20, 0.025, 0.025)]
    {
        close(at(false, step), smooth);
        close(at(true, step), stairs);
    }
    close(at(true, 59), 0.1 * 0.0625);
}

/// The Keras example's: 1e-3, then a tenth after epoch 80, and so on, each of the first rate.
#[test]
fn factors_are_shares_of_the_first_rate() {
    let schedule = schedule(|c| {
        c.optimizer.lr = 1e-3;
        c.schedule.milestones = vec![81.0, 121.0, 161.0, 181.0];
        c.schedule.factors = Some(vec![0.1, 0.01, 0.001, 0.0005]);
    });
    for (epoch, want) in
        [(0, 1e-3), (80, 1e-3), (81, 1e-4), (120, 1e-4), (121, 1e-5), (161, 1e-6), (181, 5e-7)]
    {
        close(schedule.lr_at(epoch * 391, 391, 200), want);
    }
}

/// 262 steps an epoch, 45 epochs: 11,790 steps, two halves of 5,305, the last 1,180.
#[test]
fn one_cycle_turns_where_gerons_does() {
    let schedule = schedule(|c| {
        c.schedule.kind = ScheduleKind::OneCycle;
        c.optimizer.lr = 0.05;
    });
    let at = |step| schedule.lr_at(step, 262, 45);
    close(at(0), 0.005);
    close(at(5305), 0.05);
    close(at(10_610), 0.005);
    close(at(11_790), 5e-6);
    close(at(1), 0.005 + 0.045 / 5305.0);
    close(at(5306), 0.05 - 0.045 / 5305.0);
    close(at(10_611), 0.005 - (0.005 - 5e-6) / 1180.0);
    let short = |all| (0..all).map(|step| schedule.lr_at(step, all, 1)).all(|lr| (5e-6..=0.05).contains(&lr));
    assert!((1..40).all(short));
}

/// Keras' `ReduceLROnPlateau(patience=2, factor=0.5, min_delta=0.01, cooldown=c, min_lr=0.015)` at 0.1, by hand.
#[test]
fn plateaus_are_counted_as_keras_does() {
    let losses = [1.0, 0.9, 0.895, 0.9, 0.9, 0.9, 0.8, 0.8, 0.8, 0.8, 0.8];
    for (cooldown, want) in [
        (0, [1.0, 1.0, 1.0, 0.5, 0.5, 0.25, 0.25, 0.25, 0.15, 0.15, 0.15]),
        (2, [1.0, 1.0, 1.0, 0.5, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25, 0.25]),
    ] {
        let mut config = RunConfig::default();
        config.schedule.kind = ScheduleKind::Plateau;
        (config.schedule.patience, config.schedule.gamma, config.schedule.min_delta) = (2, 0.5, 0.01);
        (config.schedule.cooldown, config.schedule.min_lr) = (cooldown, 0.015);
        let mut plateau = Plateau::default();
        let shares: Vec<f64> = losses
            .iter()
            .map(|loss| {
                plateau.see(-loss, &config.schedule, config.optimizer.lr);
                plateau.share
            })
            .collect();
        shares.iter().zip(want).for_each(|(got, want)| close(*got, want));
    }
}

#[test]
fn a_watch_waits_for_progress() {
    let mut watch = Watch::default();
    assert!(watch.see(-2.0, 0.1));
    assert!(!watch.see(-1.95, 0.1), "less than the least that counts");
    assert!(!watch.see(f64::NAN, 0.1));
    assert_eq!((watch.best, watch.wait), (Some(-2.0), 2));
    assert!(watch.see(-1.8, 0.1));
    assert_eq!(watch.wait, 0);
    let mut config = RunConfig::default();
    assert!(!config.early_stopping.ends(&Watch { best: None, wait: 1000 }));
    config.early_stopping.patience = Some(3);
    assert!(!config.early_stopping.ends(&Watch { best: None, wait: 2 }));
    assert!(config.early_stopping.ends(&Watch { best: None, wait: 3 }));
}

/// A loss that falls, turns at 0.1 and explodes: the sweep is cut there and suggests a tenth of the turn.
#[test]
fn a_sweep_suggests_a_tenth_of_the_lowest() {
    let loss = |lr: f64| if lr < 0.1 { 2.3 + 0.2 * (1e-5 / lr).log10() } else { 1.5 * lr / 0.1 };
    let losses: Vec<(f64, f64)> =
        (0..300).map(|i| 1e-5 * 10f64.powf(i as f64 / 50.0)).map(|lr| (lr, loss(lr))).collect();
    let found = LrFound::of(&losses).unwrap();
    assert!(found.points.len() < 300 && found.points.len() > 200, "{}", found.points.len());
    assert!((0.1..0.16).contains(&found.lowest), "{}", found.lowest);
    assert_eq!(found.suggestion, found.lowest / 10.0);
    assert_eq!(found.points[0].smoothed, losses[0].1);
    let points: Vec<_> = found.points.iter().map(|point| [point.lr, point.loss, point.smoothed]).collect();
    let svg = wgrad::report::lr_svg(&points, found.suggestion);
    assert!(svg.starts_with("<svg") && svg.contains("suggested: 1."), "{svg}");
    assert!(LrFound::of(&[(1e-5, f64::NAN)]).is_err() && LrFound::of(&[]).is_err());
    assert!(Sweep::new(1e-5, 10.0).is_ok());
    for (from, to) in [(0.0, 1.0), (1.0, 1.0), (1e-3, 101.0), (f64::NAN, 1.0)] {
        assert!(Sweep::new(from, to).is_err());
    }
}

/// Beta(alpha, alpha): mean 1/2, variance 1/(4 (2 alpha + 1)), within five deviations of 4,000 draws.
#[test]
fn mixup_draws_from_its_beta_distribution() {
    let count = 4000;
    for alpha in [0.05, 0.2, 1.0, 8.0] {
        let draws: Vec<f64> = (0..count).map(|step| mixup_share(alpha, 9, step)).collect();
        assert!(draws.iter().all(|share| (0.0..=1.0).contains(share)), "{alpha}");
        let mean = draws.iter().sum::<f64>() / f64::from(count);
        let square = |power: i32| draws.iter().map(|v| (v - 0.5).powi(power)).sum::<f64>() / f64::from(count);
        let variance = 1.0 / (4.0 * (2.0 * alpha + 1.0));
        let deviation = (variance / f64::from(count)).sqrt();
        assert!((mean - 0.5).abs() < 5.0 * deviation, "{alpha}: mean {mean}");
        let of_square = ((square(4) - square(2).powi(2)) / f64::from(count)).sqrt();
        assert!(
            (square(2) - variance).abs() < 5.0 * of_square,
            "{alpha}: variance {}, {variance}",
            square(2)
        );
        assert_eq!(draws[7], mixup_share(alpha, 9, 7));
    }
}

/// Half of a share pruned over four epochs after two: cubic steps by hand.
#[test]
fn pruning_grows_as_zhu_and_gupta_do() {
    let prune = PruneConfig { share: Some(0.8), from_epoch: 2, over_epochs: 4, scope: PruneScope::Layer };
    let mut config = RunConfig { prune, ..RunConfig::default() };
    config.validate().unwrap();
    let shares: Vec<f64> = (0..8).map(|finished| config.prune.share_after(finished)).collect();
    let grown = |t: f64| 0.8 * (1.0 - (1.0 - t).powi(3));
    for (got, want) in shares.iter().zip([0.0, 0.0, grown(0.25), grown(0.5), grown(0.75), 0.8, 0.8, 0.8]) {
        assert!((got - want).abs() < 1e-15, "{shares:?}");
    }
    config.prune.over_epochs = 0;
    assert_eq!([1, 2, 3].map(|finished| config.prune.share_after(finished)), [0.0, 0.8, 0.8]);
    config.prune.from_epoch = config.epochs;
    assert!(config.validate().unwrap_err().to_string().contains("prune.from_epoch = 200"));
}

#[test]
fn the_smallest_weights_are_pruned() {
    let cifar = Settings::cifar10(Activation::parse("relu").unwrap());
    let network = models::build("mlp_1x2", &Settings { input: [1, 1, 2], classes: 2, ..cifar }).unwrap();
    let values: Vec<Vec<f32>> = network
        .parameters
        .iter()
        .map(|p| match (p.role.is_kernel(), p.name.starts_with("hidden")) {
            (true, true) => vec![0.1, -0.2, 0.3, -0.4],
            (true, false) => vec![1.0, -2.0, 0.0, 4.0],
            _ => vec![0.0; p.len()],
        })
        .collect();
    let of = |scope, name: &str| {
        let all = masks(&network.parameters, &values, 0.5, scope);
        let at =
            network.parameters.iter().position(|p| p.name.starts_with(name) && p.role.is_kernel()).unwrap();
        let biases = network.parameters.iter().zip(&all).filter(|(p, _)| !p.role.is_kernel());
        assert!(biases.map(|(_, mask)| mask).all(|mask| mask.iter().all(|&m| m == 1.0)));
        all[at].clone()
    };
    assert_eq!(of(PruneScope::Layer, "hidden"), [0.0, 0.0, 1.0, 1.0]);
    assert_eq!(of(PruneScope::Layer, "linear"), [0.0, 1.0, 0.0, 1.0]);
    assert_eq!(of(PruneScope::Network, "hidden"), [0.0, 0.0, 0.0, 1.0]);
    assert_eq!(of(PruneScope::Network, "linear"), [1.0, 1.0, 0.0, 1.0]);
}
