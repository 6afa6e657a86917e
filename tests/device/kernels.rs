//! Every kernel against its twin: a test for each family.

use std::sync::LazyLock;

use wgrad::measure::check::{Case, cases};

use crate::support::gpu;

static CASES: LazyLock<Vec<Case>> = LazyLock::new(cases);

fn family(name: &str) {
    // Kernels of mixed precision run where the adapter has what they need; training.rs tests what is said where it has not.
    let cases: Vec<_> = CASES.iter().filter(|case| case.family() == name && case.fits(gpu())).collect();
    assert!(!cases.is_empty(), "there is no case of {name}");
    let mut wrong = Vec::new();
    for case in &cases {
        match case.run(gpu()) {
            Ok(outcome) if outcome.ok => {}
            Ok(outcome) => wrong.push(outcome.to_string()),
            Err(error) => wrong.push(format!("{} [{}]: {error}", case.kernel, case.name)),
        }
    }
    assert!(wrong.is_empty(), "{} of {} cases:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
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

families!(activation, augment, batchnorm, conv, dropout, linear, loss, optimizer, philox, pool, residual,);
