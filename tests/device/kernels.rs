//! Every kernel against its twin, within WebGPU's default limits: a test for each family.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use wgrad::gpu::{Gpu, Limits};
use wgrad::measure::check::{Case, cases};

use crate::support::{gpu, open};

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);

fn family(name: &str) {
    // A software driver compiles in one thread a device: of its own, so that families do not wait for each other.
    let own = open(Limits::WebGpu);
    // Those of mixed precision need more than WebGPU's defaults: a test of their own.
    let cases = CASES.iter().filter(|case| case.family() == name && case.fits(&own));
    let cases: Vec<_> = cases.filter(|case| !case.is_spare(&own)).collect();
    assert!(!cases.is_empty(), "there is no case of {name}");
    run(&own, &cases);
}

fn run(gpu: &Gpu, cases: &[&Case]) {
    let mut wrong = Vec::new();
    for neighbours in cases.chunks(64) {
        for case in neighbours {
            match case.run(gpu) {
                Ok(outcome) if outcome.ok => {}
                Ok(outcome) => wrong.push(outcome.to_string()),
                Err(error) => wrong.push(format!("{} [{}]: {error}", case.kernel, case.name)),
            }
        }
        gpu.forget_unused_pipelines();
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

/// What a software driver leaves out, another size of the same candidate and form stands for.
#[test]
fn each_candidate_keeps_a_size() {
    let form = |case: &Case| {
        let after = case.name.split(", pad ").nth(1).and_then(|rest| rest.split_once(", "));
        // Where F(3x3,4x4) is never taken one candidate stands for its kernel.
        let any = case.kernel.ends_with("weight_gradient_winograd4") && !gpu().keeps_scalars();
        (case.kernel, after.filter(|_| !any).map(|(_, form)| form.to_owned()))
    };
    let (spare, kept): (Vec<_>, Vec<_>) = CASES.iter().partition(|case| case.is_spare(gpu()));
    assert_eq!(spare.is_empty(), !gpu().is_software());
    let kept: HashSet<_> = kept.into_iter().map(form).collect();
    for case in spare {
        assert!(kept.contains(&form(case)), "{} [{}] stands for no other size", case.kernel, case.name);
    }
}

#[test]
fn each_input_gradient_is_set_and_added() {
    let mut forms: HashMap<_, HashSet<bool>> = HashMap::new();
    let kept = |case: &&Case| case.kernel.starts_with("conv/input_gradient") && !case.is_spare(gpu());
    for case in CASES.iter().filter(kept) {
        let form = case.name.split(", pad ").nth(1).expect("a convolution's padding");
        let candidate = form.split(", ").nth(1).expect("a candidate");
        forms.entry((case.kernel, candidate)).or_default().insert(form.contains(", accumulate"));
    }
    for (candidate, forms) in forms {
        assert_eq!(forms.len(), 2, "{candidate:?} only with accumulate = {forms:?}");
    }
}

/// Where the adapter has no cooperative matrices no case of theirs may claim to fit.
#[test]
fn mixed_precision() {
    let mixed = |case: &&Case| case.kernel.ends_with("_coop");
    let least = open(Limits::WebGpu);
    assert_eq!(CASES.iter().filter(mixed).filter(|case| case.fits(&least)).count(), 0);
    let runs = |case: &&Case| case.fits(gpu()) && !case.is_spare(gpu());
    let cases: Vec<_> = CASES.iter().filter(mixed).filter(runs).collect();
    assert_eq!(cases.is_empty(), gpu().cooperative_side().is_err());
    run(gpu(), &cases);
}

macro_rules! families {
    ($($name:ident),* $(,)?) => {
        $(
            #[test]
            fn $name() {
                family(stringify!($name));
            }
        )*

        #[test]
        fn every_case_belongs_to_a_test() {
            let known = [$(stringify!($name)),*];
            for case in CASES.iter() {
                assert!(known.contains(&case.family()), "no test runs the family of {}", case.kernel);
            }
        }
    };
}

families!(
    activation,
    augment,
    batchnorm,
    bias,
    ceiling,
    conv,
    dropconnect,
    dropout,
    linear,
    loss,
    optimizer,
    philox,
    pool,
    reshape,
    residual,
);
