//! What `wgrad monitor` reads of a run's folder, and what it draws.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;

use ratatui::Terminal;
use ratatui::backend::TestBackend;
use wgrad::config::RunConfig;
use wgrad::report::{Board, Follower, text};
use wgrad::train::metrics::{EpochMetrics, Summary};

fn epoch(epoch: u32) -> EpochMetrics {
    let share = f64::from(epoch);
    EpochMetrics {
        epoch,
        step: 10 * u64::from(epoch),
        lr: 0.1 / share,
        train_loss: 2.0 / share,
        train_accuracy: 0.1 * share,
        val_loss: Some(2.2 / share),
        val_accuracy: Some(0.09 * share),
        seconds: 30.0,
        images_per_second: 100.0 + share,
    }
}

fn line(metrics: &EpochMetrics) -> String {
    serde_json::to_string(metrics).unwrap() + "\n"
}

fn append(folder: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options.create(true).append(true).open(folder.join("metrics.jsonl")).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

fn epochs(follower: &Follower) -> Vec<u32> {
    follower.board.metrics.iter().map(|m| m.epoch).collect()
}

fn drawn(board: &Board, width: u16, height: u16) -> String {
    let mut terminal = Terminal::new(TestBackend::new(width, height)).unwrap();
    terminal.draw(|frame| board.draw(frame)).unwrap();
    text(terminal.backend().buffer())
}

/// A folder that is filled while somebody looks: nothing, half a line, whole ones, a repeated epoch, a shorter file.
#[test]
fn a_folder_is_followed_as_it_grows() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    assert!(Follower::new(&path.join("other")).unwrap_err().to_string().contains("is no folder"));
    let mut follower = Follower::new(path).unwrap();
    assert_eq!(follower.board.head()[0], "no epoch is finished yet");
    let first = line(&epoch(1));
    append(path, &first[..40]);
    follower.look();
    assert_eq!(epochs(&follower), [0; 0]);
    append(path, &first[40..]);
    append(path, &line(&epoch(2)));
    fs::write(path.join("config.toml"), "model = \"resnet20\"\nactivation = \"elu\"\nepochs = 12\n").unwrap();
    follower.look();
    assert_eq!(epochs(&follower), [1, 2]);
    let [how_far, accuracy, rate] = follower.board.head();
    assert_eq!(how_far, "resnet20, elu; epoch 2 of 12; about 5 min left");
    assert_eq!(accuracy, "loss 1.0000, accuracy 20.00 %; validation 18.00 % (best 18.00 % in epoch 2)");
    assert_eq!(rate, "learning rate 5.000e-2; 102 images/s");
    append(path, "what is this?\n");
    append(path, &(line(&epoch(3)) + &line(&epoch(2))));
    follower.look();
    assert_eq!((epochs(&follower), follower.board.unread), (vec![1, 2], 1));
    assert!(follower.board.head()[0].contains("1 lines of metrics.jsonl cannot be read"));
    fs::write(path.join("metrics.jsonl"), &first).unwrap();
    follower.look();
    assert_eq!((epochs(&follower), follower.board.unread), (vec![1], 0));
    follower.board.training = Some(false);
    let told = "resnet20, elu; epoch 1 of 12; stopped: wgrad train --resume goes on with it";
    assert_eq!(follower.board.head()[0], told);
    follower.board.training = Some(true);
    assert!(follower.board.head()[0].ends_with(" left"));
    fs::remove_file(path.join("metrics.jsonl")).unwrap();
    follower.look();
    assert_eq!(epochs(&follower), [1], "what was read stays");
}

#[test]
fn the_end_of_a_run_is_told() {
    let folder = tempfile::tempdir().unwrap();
    append(folder.path(), &(1..=3).map(|e| line(&epoch(e))).collect::<String>());
    let config = RunConfig { epochs: 3, ..RunConfig::default() };
    fs::write(folder.path().join("config.toml"), config.to_toml()).unwrap();
    let summary = Summary {
        model: config.model,
        activation: config.activation,
        parameters: 1,
        epochs: 3,
        best_epoch: 2,
        best_val_accuracy: Some(0.18),
        last_val_accuracy: Some(0.27),
        last_test_accuracy: Some(0.2),
        test_accuracy: 0.1875,
        test_loss: 1.5,
        tta: Default::default(),
        seconds: 90.0,
        device: "any".into(),
        seed: 0,
    };
    summary.write(&folder.path().join("summary.json")).unwrap();
    let board = Follower::new(folder.path()).unwrap().board;
    let told = "resnet56, relu; epoch 3 of 3; finished: test accuracy 18.75 % of epoch 2";
    assert_eq!(board.head()[0], told);
    assert!(drawn(&board, 100, 32).contains(told));
}

/// Braille cells in a part of the screen.
fn dots(screen: &str, rows: std::ops::Range<usize>, columns: std::ops::Range<usize>) -> usize {
    let braille = |c: &char| ('\u{2801}'..='\u{28ff}').contains(c);
    let row = |line: &str| line.chars().take(columns.end).skip(columns.start).filter(braille).count();
    screen.lines().take(rows.end).skip(rows.start).map(row).sum()
}

#[test]
fn every_panel_has_its_curve_axis_and_name() {
    let board = Board {
        name: "quickstart-1".into(),
        metrics: (1..=8).map(epoch).collect(),
        epochs: Some(10),
        ..Board::default()
    };
    let screen = drawn(&board, 100, 41);
    let words = ["quickstart-1", "Loss", "Accuracy (%)", "Learning rate", "Images per second", "training"];
    for word in words.iter().chain(&["validation", "epoch 8 of 10", "about 60 s left", "q, Esc or Ctrl-C"]) {
        assert!(screen.contains(word), "{word} is not in\n{screen}");
    }
    // Head 5 rows, foot 1, two rows of panels between.
    for (rows, columns) in [(5..23, 0..50), (5..23, 50..100), (23..40, 0..50), (23..40, 50..100)] {
        assert!(dots(&screen, rows.clone(), columns.clone()) > 10, "{rows:?} {columns:?}\n{screen}");
    }
    // The loss falls and the accuracy rises: left of the middle one is in the upper half, the other in the lower.
    assert!(dots(&screen, 5..13, 6..20) > 0 && dots(&screen, 5..13, 56..70) == 0, "{screen}");
}

/// No epoch, one, numbers that are none, and screens of any size.
#[test]
fn whatever_there_is_can_be_drawn() {
    let mut broken = epoch(2);
    (broken.train_loss, broken.lr, broken.val_accuracy) = (f64::NAN, f64::INFINITY, None);
    broken.seconds = f64::NAN;
    let flat = EpochMetrics { train_loss: 0.0, val_loss: None, images_per_second: 0.0, ..epoch(1) };
    for metrics in
        [vec![], vec![epoch(1)], vec![flat.clone()], vec![epoch(1), broken.clone(), epoch(3)], vec![broken]]
    {
        let board = Board { epochs: Some(5), metrics, ..Board::default() };
        for (width, height) in [(1, 1), (3, 200), (20, 6), (80, 24), (300, 80)] {
            let screen = drawn(&board, width, height);
            assert_eq!(screen.split('\n').count(), usize::from(height));
            assert!(screen.lines().all(|line| line.chars().count() <= usize::from(width)), "{screen}");
        }
    }
}
