//! The stages of an output and what drives them: a pipeline file, or one command for one stage.
//!
//! A stage is made of inputs and options alone, and is made again only if one of them changes.

mod build;
mod comments;
mod config;
mod decoded;
mod estimate;
mod expect;
mod explain;
mod exports;
mod extract;
mod feature_side;
mod features;
mod label_compare;
mod label_sets;
mod labels;
mod packet_labels;
mod query;
mod sources;
mod surroundings;
mod tables;
mod truth;
mod values;

pub use build::{How, StageRun, build, check, check_locked, check_result, options, stages};
pub use comments::packet_comments;
pub use config::{Pipeline, Plan, json_schema, tables_to_materialize};
pub use decoded::read_plain;
pub use estimate::{Estimate, estimate};
pub use expect::{Expected, missing};
pub use explain::{FlowExplained, Wanted, explain_flow};
pub use exports::{ExportRequest, make_export, write_export};
pub use extract::{Extracted, Flows, extract};
pub use feature_side::feature_side;
pub use features::{FeatureRequest, make_features, write_features};
pub use label_compare::{LabelComparison, LabelPair, compare_labels};
pub use label_sets::{flow_table, label_stages, materializable};
pub use labels::{LabelRequest, LabelSetMade, make_labels, sensitivity};
pub use query::query_output;
pub use sources::{Sources, StreamRequest, find_sources};
pub use tables::{Made, TABLES_STAGE, make_tables, tables_fingerprint};
pub use truth::check_truth;
pub use values::{Count, count, duration_ns, time_range};
