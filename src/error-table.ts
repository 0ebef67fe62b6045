/**
 * The texts of every error that Vigía raises on purpose, with their two numbers: plain data, no behaviour.
 *
 * A message says what failed, where, what is allowed and what came; `fix` says what to do next. `{name}` is
 * replaced by the detail of that name. `status` is the HTTP status a server answers with, `exitCode` the one
 * the command line ends with (2: could not run). `docs/errors.md` is generated from this table.
 *
 * This file is no part of a step's code version (`steps/code-version.ts`), so that a corrected text or a new
 * code runs no step again. Therefore nothing but the table may stand here: what errors do is in `errors.ts`.
 */
export interface ErrorDefinition {
  readonly status: number
  readonly exitCode: number
  readonly message: string
  readonly fix: string
}

const define = <const T extends Record<string, ErrorDefinition>>(table: T): T => table

export const ERRORS = define({
  // foundation
  INTERNAL: {
    status: 500,
    exitCode: 70,
    message: 'Unexpected failure: {reason}',
    fix: 'Run again with --verbose and report the stack trace.',
  },
  INTERRUPTED: {
    status: 503,
    exitCode: 130,
    message: 'Interrupted while {activity}',
    fix: 'Nothing was left half written. Run the same command again: finished steps are not repeated.',
  },
  DURATION_INVALID: {
    status: 422,
    exitCode: 2,
    message:
      'A duration is a whole number and one unit, d (days), h, m, s or ms, such as 7d or 90s; got "{got}"',
    fix: 'Write the duration as one number and one unit without a space.',
  },
  CANONICAL_JSON_UNSUPPORTED: {
    status: 500,
    exitCode: 70,
    message:
      'Canonical JSON holds null, booleans, finite numbers, text, arrays and plain objects; {path} is {got}',
    fix: 'Leave the property out, or convert it before it is hashed or stored.',
  },
  // transaction
  // config
  CONFIG_FILE_UNREADABLE: {
    status: 422,
    exitCode: 2,
    message: 'Configuration {file} cannot be read: {reason}',
    fix: 'Name an existing YAML file with --config; `configs/training_config.yaml` is a complete example.',
  },
  CONFIG_YAML_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{file}:{line}:{column} is no valid YAML: {reason}',
    fix: 'Correct the line. Indentation is spaces, and text that holds ": " or "#" needs quotes.',
  },
  CONFIG_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{file} has {count}:{problems}',
    fix: 'Correct what is listed. `vigia config schema` and docs/configuration.md describe every setting.',
  },
  CONFIG_COSTS_MISSING: {
    status: 422,
    exitCode: 2,
    message: '{setting} is {got}, but all of evaluation.costs are 0, so that nothing costs anything',
    fix: 'Say what decisions cost, for instance evaluation.costs.review: 5 and evaluation.costs.missed_fraud_amount_share: 1.',
  },
  CONFIG_CURRENCY_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: 'amounts.currency is {got}, which has no minor unit in the current list of ISO 4217',
    fix: 'Correct the code, or say how many decimals its amounts have: amounts.decimals.',
  },
  CONFIG_AMOUNTS_INEXACT: {
    status: 422,
    exitCode: 2,
    message:
      'amounts.largest is {got}; allowed: {least} to {allowed}, so that the sum of {transactions} transactions (a full window of features.state) stays exact, below 2^53 minor units',
    fix: 'Lower amounts.largest, or the largest of features.state.user_transactions, merchant_transactions and entities.*.transactions.',
  },
  // databases
  DATABASE_ADDRESS_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{setting} is {got}, which is no address of a database to use: {reason}',
    fix: 'Write it as postgres://user@host:5432/database?table=schema.name, passwords in PGPASSWORD, in .pgpass or in an environment variable whose name the address has (docs/databases.md).',
  },
  DATABASE_UNREACHABLE: {
    status: 503,
    exitCode: 2,
    message: 'No connection to {database}: {reason}',
    fix: 'Check host, port, user and sslmode of the address, and where its password is: PGPASSWORD, .pgpass or the variable that the address names (docs/databases.md).',
  },
  DATABASE_FAILED: {
    status: 503,
    exitCode: 2,
    message: '{activity} failed at {database}: {reason}',
    fix: 'Nothing half done is used. Correct what the server says, and run the same command again.',
  },
  DATABASE_COLUMN_UNREADABLE: {
    status: 422,
    exitCode: 2,
    message: '{database} has the column {column}, which has no one text to read: {reason}',
    fix: 'Read a query that leaves the column out or writes it as text, for instance {suggestion} (source.query, or a view).',
  },
  DATABASE_TARGET_REFUSED: {
    status: 422,
    exitCode: 2,
    message: '{database} has a table {table} that cannot take scores: {reason}',
    fix: 'Name another table with ?table=schema.name, which is made when it is not there, or alter this one (docs/databases.md).',
  },
  // dataset
  DATASET_FILE_MISSING: {
    status: 404,
    exitCode: 2,
    message: 'There is no file at {path}',
    fix: 'Correct source.path (now relative to {folder}), or make the file first: `vigia generate`.',
  },
  DATASET_NOT_A_FILE: {
    status: 422,
    exitCode: 2,
    message: '{path} is a directory; a file or a glob is allowed',
    fix: 'Name the files, for instance "{path}/*.csv".',
  },
  DATASET_NOT_READABLE: {
    status: 403,
    exitCode: 2,
    message: '{path} cannot be opened for reading: {reason}',
    fix: 'Give the user that runs vigia read permission on the file.',
  },
  DATASET_EMPTY: {
    status: 422,
    exitCode: 2,
    message: '{path} is empty: {reason}',
    fix: 'Export it again with at least a header line and one row.',
  },
  DATASET_FORMAT_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: '{path} does not say how it is written. source.format auto knows {allowed}',
    fix: 'Set source.format to csv, parquet or json.',
  },
  DATASET_FORMAT_BROKEN: {
    status: 422,
    exitCode: 2,
    message: '{path} is not readable as {format}: {reason}',
    fix: 'Check that the file is complete and that source.format is right.',
  },
  DATASET_COMPRESSION_BROKEN: {
    status: 422,
    exitCode: 2,
    message: '{path} cannot be decompressed: {reason}',
    fix: 'Copy or export the file again; it is damaged or cut short.',
  },
  DATASET_ENCODING: {
    status: 422,
    exitCode: 2,
    message: '{path} is not valid {encoding}',
    fix: 'Set source.csv.encoding to one of {allowed}.',
  },
  DATASET_WRONG_DELIMITER: {
    status: 422,
    exitCode: 2,
    message: 'The header of {path} has one column when split at "{got}": {header}',
    fix: 'Set source.csv.delimiter to "{suggestion}", which gives {columns} columns.',
  },
  DATASET_FILES_DIFFER: {
    status: 422,
    exitCode: 2,
    message: '{path} has the columns {got}, but the first file has {allowed}',
    fix: 'Give files of one layout together, and map the others with a configuration of their own.',
  },
  DATASET_FIELD_UNMAPPED: {
    status: 422,
    exitCode: 2,
    message: 'No column for the required field {field}: the source has {allowed}',
    fix: 'Add source.fields.{field} with an SQL expression over those columns{suggestion}.',
  },
  DATASET_ATTRIBUTE_UNMAPPED: {
    status: 422,
    exitCode: 2,
    message: 'source.attributes.{attribute} finds no column{wanted}: the source has {allowed}',
    fix: 'Correct the name{suggestion}, or say where its values are with `from`: a column, or an SQL expression.',
  },
  DATASET_ATTRIBUTE_MISSING: {
    status: 422,
    exitCode: 2,
    message: 'The model reads the attributes {got}, which the data does not have: {path}',
    fix: 'Map them in source.attributes of the configuration, as in that of the training.',
  },
  DATASET_ATTRIBUTE_KIND: {
    status: 422,
    exitCode: 2,
    message: 'The model takes the attribute {attribute} for {allowed}, the data has it as {got}: {path}',
    fix: 'Give source.attributes.{attribute} in the configuration the kind that it had in the training.',
  },
  DATASET_TABLE_UNREADABLE: {
    status: 422,
    exitCode: 2,
    message: 'The table {table} ({setting}) cannot be read: {reason}',
    fix: '{hint}',
  },
  DATASET_TABLE_ROWS_CLASH: {
    status: 422,
    exitCode: 2,
    message: 'source.tables.{table}: rows {rows}{key} {what} and have other values: either could be meant',
    fix: 'Leave one of them out, tell them apart by one more column in key, or say with valid_from (and known_from) which holds when.',
  },
  DATASET_TABLE_TOO_LARGE: {
    status: 422,
    exitCode: 2,
    message: 'source.tables.{table} has {rows} rows; at most {allowed} can be kept in memory',
    fix: 'Leave out rows that no transaction finds, or join the table before: in the export, or with SQL.',
  },
  DATASET_TABLE_COLUMNS: {
    status: 422,
    exitCode: 2,
    message: 'The table {table} has {got}; the model was trained with {allowed}',
    fix: 'Give the table the column that it had, or train a model with the table as it is now.',
  },
  DATASET_COLUMN_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: '{setting} is "{expression}", which names the column "{got}". The source has {allowed}',
    fix: 'Correct the name{suggestion}.',
  },
  DATASET_EXPRESSION_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{setting} is "{expression}", which is not an SQL expression over one row: {reason}',
    fix: 'Write one expression without subqueries, windows or functions whose value changes from run to run.',
  },
  DATASET_TYPE_UNSUPPORTED: {
    status: 422,
    exitCode: 2,
    message: '{setting} gives {got}; allowed: {allowed}',
    fix: 'Convert it in the expression, for instance CAST(... AS VARCHAR).',
  },
  DATASET_ROWS_LOST: {
    status: 500,
    exitCode: 2,
    message: '{input} rows were read, but {accepted} accepted + {quarantined} quarantined do not add up',
    fix: 'This is a fault of Vigía: please report it with the configuration.',
  },
  DATASET_NO_SPACE: {
    status: 507,
    exitCode: 2,
    message: 'No space left while writing {path}',
    fix: 'Free disk space or write to another disk (runs.directory, resources.temp_directory). Nothing half written was kept.',
  },
  DATASET_NOT_WRITABLE: {
    status: 403,
    exitCode: 2,
    message: '{path} cannot be written: {reason}',
    fix: 'Choose a folder that exists and that the user who runs vigia may write to.',
  },
  DATASET_OUT_OF_MEMORY: {
    status: 507,
    exitCode: 2,
    message: 'Not enough memory while {activity}: {reason}',
    fix: 'Raise resources.memory_limit or lower resources.threads.',
  },
  DATASET_SETTING_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{setting} is "{got}"; allowed: {allowed}',
    fix: 'Correct {setting} in the configuration.',
  },
  DATASET_QUERY_FAILED: {
    status: 500,
    exitCode: 2,
    message: '{activity} failed: {reason}',
    fix: 'Run again with --verbose and report the message.',
  },
  DATASET_OUTPUT_FORMAT: {
    status: 422,
    exitCode: 2,
    message: 'The ending of {path} names no format to write. Allowed: {allowed}',
    fix: 'End the name of --out with one of them.',
  },
  DATASET_OUTPUT_EXISTS: {
    status: 409,
    exitCode: 2,
    message: '{path} exists already',
    fix: 'Choose another --out, or replace it with --force.',
  },
  DATASET_GENERATE_START: {
    status: 422,
    exitCode: 2,
    message: 'generate.start must be a day of the calendar written as YYYY-MM-DD, got "{got}"',
    fix: 'Correct it, for instance 2025-01-01.',
  },
  DATASET_SPLIT_TOO_SHORT: {
    status: 422,
    exitCode: 2,
    message: 'The data spans {span}; {warmup} of warm-up and {gaps} of gaps leave nothing to share out',
    fix: 'Use more data, or shorten the warm-up or the gap under split.',
  },
  DATASET_SPLIT_ORDER: {
    status: 422,
    exitCode: 2,
    message: 'split sets {later} to {got}; it must come after {earlier}, {allowed}',
    fix: 'Correct the dates under split: train, then validation, then test, each lasting some time.',
  },
  DATASET_SPLIT_EMPTY: {
    status: 422,
    exitCode: 2,
    message: 'The {part} part of the split has no rows: {reason}. Labelled rows span {allowed}',
    fix: 'Change the dates or shares under split, or use more data.',
  },
  DATASET_SPLIT_UNLABELLED: {
    status: 422,
    exitCode: 2,
    message: 'None of the {rows} rows has a label, so there is nothing to learn from or to judge by',
    fix: 'Map the label with source.fields.is_fraud, or name a table of labels (source.labels). Of the log of a service (vigia-log://) the labels are those that POST /feedback was told.',
  },
  DATASET_PREPARED_MISSING: {
    status: 404,
    exitCode: 2,
    message: 'There is no prepared dataset at {path}',
    fix: 'Make it again from the source: `vigia run --from read`.',
  },
  // features
  FEATURES_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: 'features.{setting} names "{got}", which is no feature or family. Allowed: {allowed}',
    fix: 'Correct the name{suggestion}; `docs/features.md` lists every feature.',
  },
  FEATURES_NAME_TAKEN: {
    status: 422,
    exitCode: 2,
    message:
      'Two features are called "{got}" ({family}) and "{other}" ({otherFamily}), which files cannot tell apart',
    fix: 'Give one of them another name: an attribute in source.attributes (its `from` may stay as it is), an entity, or the feature in features.derived or features.aggregates; all others are built in.',
  },
  FEATURES_EXPRESSION_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'features.derived.{name}: {reason}, at character {at} of{expression}',
    fix: 'Correct the expression{suggestion}; `docs/derived-features.md` lists variables, operators and functions.',
  },
  FEATURES_DERIVED_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'features.derived.{name}{setting} must be {allowed}; got {got}',
    fix: 'Correct it; `docs/derived-features.md` says what a derived feature has.',
  },
  FEATURES_AGGREGATE_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'features.aggregates.{name}{setting} must be {allowed}; got {got}',
    fix: 'Correct it; `docs/aggregates.md` says what an aggregate has.',
  },
  FEATURES_TIME_ZONE_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: 'features.time_zone must be an IANA time zone that Node.js knows, got "{got}"',
    fix: 'Use a name such as Europe/Madrid or UTC.',
  },
  FEATURES_MIXED_SOURCES: {
    status: 500,
    exitCode: 70,
    message: 'The feature {feature} reads the states of {got}; a feature may read one entity',
    fix: 'Split it into one feature per entity, or keep what it needs of the other in the state of one.',
  },
  FEATURES_STATE_CONTENDED: {
    status: 503,
    exitCode: 2,
    message: 'The states of {subject} were changed by others in each of {attempts} attempts',
    fix: 'Send the transaction again; if this lasts, look for a client that sends one entity without pause.',
  },
  FEATURES_STATE_INCOMPATIBLE: {
    status: 409,
    exitCode: 2,
    message: 'The state of {entity} was written with schema {got}; this engine reads schema {allowed}',
    fix: 'Rebuild the states by replaying history with the current configuration (`vigia features`).',
  },
  FEATURES_STATE_CORRUPT: {
    status: 500,
    exitCode: 2,
    message: 'The state of {entity} is not readable: {reason}',
    fix: 'Restore the state from its last snapshot, or rebuild it by replaying history (`vigia features`).',
  },
  // learning
  LEARNING_NO_ROWS: {
    status: 422,
    exitCode: 2,
    message: 'There are no rows to learn from',
    fix: 'Check the split: the training part must have rows.',
  },
  LEARNING_LENGTHS_DIFFER: {
    status: 422,
    exitCode: 2,
    message: 'Labels and weights must have one value for each of the {rows} rows, got {got}',
    fix: 'Pass one label and one weight a row.',
  },
  LEARNING_LABEL_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The label of row {row} must be 0 or 1, got {got}',
    fix: 'Leave rows without a label out of training, and map other codes to 0 and 1.',
  },
  LEARNING_WEIGHT_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The weight of row {row} must be a finite number of at least 0, got {got}',
    fix: 'Correct the weight, or give none: every row then counts once.',
  },
  LEARNING_FEATURE_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: '{setting} names the feature "{got}", which the training table does not have: {allowed}',
    fix: 'Correct the name, or compute the feature (features.include, selection).',
  },
  LEARNING_TABLE_TOO_LARGE: {
    status: 422,
    exitCode: 2,
    message: 'The work on this training table needs {got} GiB of shared memory; 4 GiB can be addressed',
    fix: 'Train on fewer rows (split), fewer features (selection.keep) or fewer bins (max_bins: 255).',
  },
  LEARNING_IMPORT_REFUSED: {
    status: 422,
    exitCode: 2,
    message: 'The model file is refused: {where} {reason}',
    fix: 'docs/imported-models.md says which models can be imported, and how each library saves them.',
  },
  LEARNING_XGBOOST_FAILED: {
    status: 500,
    exitCode: 2,
    message: 'XGBoost ({library}) failed at {call}: {reason}',
    fix: 'Correct what it names, name another library (models.xgboost.library), or leave XGBoost out (models.xgboost.enabled: false).',
  },
  LEARNING_ONE_CLASS: {
    status: 422,
    exitCode: 2,
    message: 'Learning needs frauds and genuine transactions, got {frauds} frauds in {rows} rows',
    fix: 'Choose a longer training window (split), or check how is_fraud is mapped (source.fields.is_fraud). Where frauds alone are reported, labels.unlabelled: genuine_after_delay takes all others for genuine.',
  },
  SEARCH_SPAN_TOO_SHORT: {
    status: 422,
    exitCode: 2,
    message:
      'The training rows span {spanDays} days; {folds} prequential tests {tests} and a gap of {gapDays} days leave nothing to learn from',
    fix: 'Train on a longer time (split), lower search.folds, search.test_length or search.gap, or set search.validation to stratified.',
  },
  SEARCH_FOLD_ONE_CLASS: {
    status: 422,
    exitCode: 2,
    message:
      'Fold {fold} of {folds} {does} {frauds} frauds in {rows} rows; it needs frauds and genuine transactions',
    fix: 'Lower search.folds, or train on a longer time (split).',
  },
  SELECTION_KEEPS_NOTHING: {
    status: 422,
    exitCode: 2,
    message: 'The selection drops all {features} features: {reasons}',
    fix: 'Loosen selection.min_variance or selection.min_score, or compute more features (features.include).',
  },
  // evaluation
  EVALUATION_SCORE_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'Score {got} of row {row} cannot be judged; allowed: {allowed}',
    fix: 'Find the feature or model that gives it: a score is a probability, never missing.',
  },
  EVALUATION_LABEL_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'Label {got} of row {row} cannot be judged; allowed: 0 (genuine), 1 (fraud)',
    fix: 'Leave rows without a label out of the evaluation.',
  },
  EVALUATION_LENGTHS_DIFFER: {
    status: 500,
    exitCode: 70,
    message: 'There are {allowed} labels but {got} {what}',
    fix: 'This is a fault of Vigía: please report it with the configuration.',
  },
  // drift
  DRIFT_PROFILE_REFUSED: {
    status: 422,
    exitCode: 2,
    message: 'A profile of a window cannot be used: {reason}',
    fix: 'Profile the window again, with the reference of the model that decides.',
  },
  DRIFT_HISTORY_REFUSED: {
    status: 422,
    exitCode: 2,
    message: 'The history of drift cannot be used: {reason}',
    fix: 'Give each day once, as a whole number of days since 1970-01-01, and looks after the history, in order.',
  },
  DRIFT_SETTING_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The drift setting {setting} must be {allowed}; got {got}',
    fix: 'Correct the setting, or leave it out for its default.',
  },
  // monitoring
  MONITORING_NOTHING_TO_LOOK_AT: {
    status: 409,
    exitCode: 2,
    message: 'There is no day to look at in {folder}: {reason}',
    fix: 'Look again when a day is over, or name another log (--log) or file (--features).',
  },
  MONITORING_FEATURES_REFUSED: {
    status: 422,
    exitCode: 2,
    message: 'The features in {path} cannot be looked at: {reason}',
    fix: 'Write them with `vigia features` and the configuration that the model was trained with.',
  },
  MONITORING_NO_REPORT: {
    status: 404,
    exitCode: 2,
    message: 'There is no report of a look in {folder}: {reason}',
    fix: '`vigia monitor --tell` takes a look now and keeps its report; the server does at the times of monitoring.schedule.',
  },
  MONITORING_MODEL_CHANGED: {
    status: 409,
    exitCode: 2,
    message:
      '{source} holds another model by now ({got}) than the one in service ({served}), which cannot be looked at any more',
    fix: 'Let the new one decide (POST /admin/models/reload), or serve models of the registry, whose versions stay.',
  },
  MONITORING_LOOKS_MISSED: {
    status: 409,
    exitCode: 2,
    message: '{count} looks between {from} and {to} were not taken: {reason}',
    fix: 'Nothing to do: each report shows the days before its own too. Let a server run, or a timer, when looks are due.',
  },
  MONITORING_MEMORY_SHORT: {
    status: 507,
    exitCode: 2,
    message:
      'A look needs {least} MiB beside the server, and {left} MiB are left: {of} has {total} MiB, the server may take {server} of them, and {free} MiB are free',
    fix: 'Give it more memory, lower state_store.cache_size, or let `vigia monitor --tell` look elsewhere (monitoring.enabled: false); docs/monitoring.md has what a container needs.',
  },
  MONITORING_DISK_SHORT: {
    status: 507,
    exitCode: 2,
    message:
      'A look writes {needed} MiB or more into {folder}, and must leave {kept} MiB free there (monitoring.keep_free); {free} MiB are free',
    fix: 'Free room, or let monitoring.path name a folder on a larger disk than that of the log.',
  },
  MONITORING_DISK_FULL: {
    status: 507,
    exitCode: 2,
    message: 'A look has found no more room in {folder}: {reason}',
    fix: 'Free room, or let monitoring.path name a folder on a larger disk; raise monitoring.memory, so that less is sorted on the disk. What it had written is removed.',
  },
  MONITORING_LOOK_UNTOLD: {
    status: 503,
    exitCode: 2,
    message:
      'The look for {scheduledFor} was taken and its report is kept, but the alerts were not told: {reason}',
    fix: 'Nothing to do where alerts.path can be written by now: they are told again, without another look, until they know.',
  },
  MONITORING_LOOK_REFUSED: {
    status: 500,
    exitCode: 2,
    message:
      'The look for {scheduledFor} was taken and its report is kept, but the alerts refuse what it found: {reason}',
    fix: 'Look at the report (GET /monitoring/page): nobody is told of it. What was refused lies in untold/refused of monitoring.path, with the reason; later looks are told.',
  },
  MONITORING_LOOK_FAILED: {
    status: 500,
    exitCode: 2,
    message: 'The process that looks at the log has failed: {reason}',
    fix: 'Run `vigia monitor` by hand to see why; where memory was short, raise monitoring.memory or the memory of the machine.',
  },
  // model
  MODEL_ARTIFACT_REFUSED: {
    status: 422,
    exitCode: 2,
    message: 'The model in {where} is refused: {file}: {reason}',
    fix: 'Use the folder as a training run left it, or train again (`vigia run --force package`).',
  },
  MODEL_TOO_LARGE: {
    status: 422,
    exitCode: 2,
    message: 'The trees of the model have {nodes} nodes; an artifact holds at most {allowed}',
    fix: 'Grow fewer or smaller trees: lower models.<name>.trees or max_depth, or raise min_leaf_rows.',
  },
  MODEL_STATES_REFUSED: {
    status: 422,
    exitCode: 2,
    message: 'The states in {where} are refused: {file}: {reason}',
    fix: 'Use package/ and states/ as one training run left them, or begin with an empty history (--history none).',
  },
  MODEL_IMPORT_UNREADABLE: {
    status: 422,
    exitCode: 2,
    message: 'The model file {path} cannot be read: {reason}',
    fix: 'Name the file of a model that its library has saved: model.save_model("model.json") or "model.ubj".',
  },
  MODEL_FEATURES_DIFFER: {
    status: 422,
    exitCode: 2,
    message: 'The model in {path} has features that the run in {folder} does not compute: {got}',
    fix: 'Say what they are called in the run (--features names.json, a JSON object such as "amt": "amount"), declare columns of your own as attributes (source.attributes) and run again, train on columns of the run\'s features/features.parquet, or name the run whose features it has (--run).',
  },
  MODEL_FEATURE_COUNT_DIFFERS: {
    status: 422,
    exitCode: 2,
    message:
      'The model in {path} names no features and has {got}; the model of the run in {folder} has {allowed}, so theirs cannot be its own',
    fix: 'Save it with its names: train on a DMatrix with feature_names, or on a data frame. Or list the names that they have in the run, in the order of the model: --features names.json.',
  },
  MODEL_NAMES_DIFFER: {
    status: 422,
    exitCode: 2,
    message: 'The names of --features do not fit the model in {path}: {reason}',
    fix: 'Give what the features of the model are called in the run: a JSON object, such as "amt": "amount", with those of another name, or a list of the names of all in the order of the model.',
  },
  MODEL_CHECK_UNREADABLE: {
    status: 422,
    exitCode: 2,
    message: 'Scores cannot be compared with those in {path}: {reason}',
    fix: 'Write the rows that the model was given and the probability of fraud that it gave, as CSV or Parquet: frame.assign(score=model.predict_proba(frame)[:, 1]).to_csv("rows.csv"). --score-column names another column than score.',
  },
  MODEL_CHECK_FILLED: {
    status: 422,
    exitCode: 2,
    message:
      'The model in {path} was given rows without missing values: none of the {rows} rows of {check} lacks {features}',
    fix: 'Where they were filled before training, say with what: --filled -1 of numbers, --filled-categories "?" of categories, or both. Missing values then go where these went. Where such rows were left out, add some to the file.',
  },
  MODEL_CHECK_DIFFERS: {
    status: 422,
    exitCode: 2,
    message:
      'The model in {path} would score {differing} of the {rows} rows of {check} otherwise than they say: {examples}. {hint}',
    fix: 'Nothing was imported. docs/imported-models.md says what files of each library do not tell (trees, missing values, categories, labels). --tolerance says how much two probabilities may differ.',
  },
  MODEL_CATEGORIES_UNTOLD: {
    status: 422,
    exitCode: 2,
    message: 'The model in {path} has splits by category, and nothing says which values they mean: {reason}',
    fix: 'Give the categories in their order: --categories categories.json, which Python writes with json.dump(dict((name, frame[name].cat.categories.tolist()) for name in frame.select_dtypes("category")), file) from the frame that the model was trained on. Where it was trained on the values themselves, as numbers with feature_types: --categories values.',
  },
  MODEL_CATEGORIES_DIFFER: {
    status: 422,
    exitCode: 2,
    message: 'The categories of the feature {feature} do not fit: {reason}',
    fix: "Name the run whose categories the model was trained on (--run), or correct --categories: the values of the training frame's categories, in their order.",
  },
  MODEL_TREES_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: 'The trees of the model in {path} cannot be chosen so: {reason}',
    fix: 'Ask for all of them (--trees all), or for the first so many that it has.',
  },
  MODEL_MISSING_DIFFERS: {
    status: 422,
    exitCode: 2,
    message: 'The model in {path} cannot take --missing {got}: {reason}',
    fix: 'Leave --missing out: the model then scores as its own library scores it.',
  },
  MODEL_POSITIVE_CLASS_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: 'The model in {path} tells the labels {labels} apart, and {got}',
    fix: 'Name the label of fraud by the words of the file, which of XGBoost and LightGBM are none: --positive-class 0 means the first label in their order, 1 the second. Libraries give the probability of the label that comes last in their order, which of texts is that of the alphabet: of "fraud" and "ok" it is "ok".',
  },
  MODEL_FOLDER_FOREIGN: {
    status: 409,
    exitCode: 2,
    message: '{path} is not replaced: it {reason}',
    fix: 'Choose another --out. Only a folder with package/ and states/, and nothing else, is replaced.',
  },
  // tracking and model registry
  TRACKING_UNREACHABLE: {
    status: 503,
    exitCode: 2,
    message: '{location} cannot be reached: {reason}',
    fix: 'Start the server, or correct tracking.uri. What was not sent is kept; `vigia tracking push` sends it.',
  },
  TRACKING_UNAUTHORIZED: {
    status: 502,
    exitCode: 2,
    message: '{location} does not let us in: {reason}',
    fix: 'Set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or MLFLOW_TRACKING_TOKEN, of a user that may do this.',
  },
  TRACKING_REFUSED: {
    status: 502,
    exitCode: 2,
    message: '{location} refused {request}: {reason}',
    fix: 'Correct what the reason names. If it names nothing of yours, report it with the version of the server.',
  },
  TRACKING_STORE_BROKEN: {
    status: 500,
    exitCode: 2,
    message: '{path} is not what a file in the layout of MLflow must be: {reason}',
    fix: 'Restore the file from a copy, or move its folder away: the other runs stay readable.',
  },
  TRACKING_URI_UNSUPPORTED: {
    status: 422,
    exitCode: 2,
    message:
      '{setting} is {got}; allowed are http:// and https:// addresses of an MLflow server, file:// addresses and folders',
    fix: 'For a database, start `mlflow server --backend-store-uri {got}` and give its address.',
  },
  TRACKING_EXPERIMENT_EXISTS: {
    status: 409,
    exitCode: 2,
    message: '{location} already has an experiment {name}{detail}',
    fix: 'Choose another name in tracking.experiment, or restore the deleted experiment.',
  },
  TRACKING_NOT_FOUND: {
    status: 404,
    exitCode: 2,
    message: '{location} has no {what}',
    fix: 'List what there is: `vigia runs list`, `vigia models list`.',
  },
  TRACKING_NAME_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{what} "{got}" is no name that is allowed: {allowed}',
    fix: 'Choose a name within what is allowed.',
  },
  TRACKING_VALUE_TOO_LONG: {
    status: 422,
    exitCode: 2,
    message: '{what} {key} has {got} characters, at most {allowed} are allowed',
    fix: 'Record the value as an artifact, which may have any length.',
  },
  TRACKING_VALUE_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{what} {key} cannot be recorded: {reason}',
    fix: 'Correct the value where it is made; nothing of this call was written.',
  },
  TRACKING_PARAM_CONFLICT: {
    status: 409,
    exitCode: 2,
    message: 'Parameter {key} of run {run} is {present} and stays so; got {got}',
    fix: 'A parameter is written once. Record a change as a tag or a metric, or start another run.',
  },
  TRACKING_RUN_AMBIGUOUS: {
    status: 409,
    exitCode: 2,
    message: '"{got}" may be any of {count} runs in {location}: {candidates}',
    fix: 'Give more digits of the run id.',
  },
  REGISTRY_VERSION_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'Model {model} in {location} has no {got}. There is: {allowed}',
    fix: 'Name a version by its number, by @alias, or as latest; `vigia models list` shows them all.',
  },
  REGISTRY_DECISION_LOST: {
    status: 409,
    exitCode: 2,
    message: 'Decision {number} about {model} was made by somebody else meanwhile: {other}',
    fix: 'Look at it (`vigia models list`), and decide again if that is still what you want.',
  },
  REGISTRY_DECISIONS_BROKEN: {
    status: 500,
    exitCode: 2,
    message: 'The decisions about {model} in {where} cannot be read: {reason}',
    fix: 'Somebody has changed them by other means. Aliases are left as they are; restore what was there in the store.',
  },
  REGISTRY_GATES_FAILED: {
    status: 422,
    exitCode: 1,
    message: 'Version {version} of {model} is not promoted to {alias}; it does not pass {count}: {gates}',
    fix: 'Look at what came, train a better model, or change promotion. An exception is made with --skip <gate> and --reason, and recorded.',
  },
  REGISTRY_NOTHING_TO_ROLL_BACK: {
    status: 409,
    exitCode: 2,
    message: 'Model {model} cannot be rolled back: {reason}',
    fix: 'Promote the version that is wanted: `vigia models promote <version> --reason ...`.',
  },
  REGISTRY_REPORT_UNREADABLE: {
    status: 422,
    exitCode: 2,
    message: 'Cannot read the parity report {path}: {reason}',
    fix: 'Name a report of `vigia parity`, or leave --parity out: then the last transactions of the run are served and compared.',
  },
  // pipelines
  PIPELINE_RUN_INCOMPLETE: {
    status: 409,
    exitCode: 2,
    message: '{folder} is not the folder of a finished run: {reason}',
    fix: 'Name the folder of a run (--run), and finish it first (`vigia run`).',
  },
  PIPELINE_HISTORY_MISSING: {
    status: 409,
    exitCode: 2,
    message: '{folder} holds no states to continue from',
    fix: 'Train first (`vigia run`), or begin with an empty history (--history none).',
  },
  PIPELINE_STEP_UNKNOWN: {
    status: 422,
    exitCode: 2,
    message: 'The pipeline has no step "{got}". Allowed: {allowed}',
    fix: 'Name one of them with --force or --from.',
  },
  PIPELINE_INPUT_UNDECLARED: {
    status: 500,
    exitCode: 70,
    message: 'The step {step} reads files of {got}; it declares {allowed}',
    fix: 'Add it to the inputs of the step: what is not declared is not part of its cache key.',
  },
  PIPELINE_LOCKED: {
    status: 409,
    exitCode: 2,
    message: 'Another run uses {folder}: process {process} on {host}, since {since}',
    fix: 'Wait for it, or choose another folder with --out. What a crash leaves is taken over by itself, unless a version without heartbeats left it: if that process is gone, remove {lock}.',
  },
  PIPELINE_RUN_OTHER: {
    status: 409,
    exitCode: 2,
    message: '{folder} holds a finished run of another configuration, and it is kept: {changed}',
    fix: 'Choose another folder with --out to have both, or run over it with --replace.',
  },
  PIPELINE_NO_MODEL: {
    status: 422,
    exitCode: 2,
    message: 'No model can be trained: {reason}',
    fix: 'Enable a model that can be trained here (models.*.enabled), or install what is missing.',
  },
  PIPELINE_MEMORY_SHORT: {
    status: 507,
    exitCode: 2,
    message:
      'Training the {title} on {rows} rows with {features} features needs about {needed} of memory; {available} may be used',
    fix: 'Lower its max_bins, its trees or resources.threads, learn from fewer rows (split) or features (selection.keep), disable the model, or raise resources.learning_memory.',
  },
  PIPELINE_RUN_TOO_LARGE: {
    status: 507,
    exitCode: 2,
    message:
      'The run is not begun, so that it is not killed on its way: from its step "{step}" on it is estimated to take {needed} of memory, for {rows}, {features} and {threads}. Allowed: {available}',
    fix: '{advice}: a machine or container with more memory, and a larger resources.run_memory. docs/runs.md#memory says how far the estimate may be off; resources.run_memory=unlimited runs all the same, and the system may kill it.',
  },
  PIPELINE_THREAD_ENDED: {
    status: 500,
    exitCode: 70,
    message: 'A thread that was {activity} ended {how}',
    fix: 'Free memory or lower resources.threads, and run the same command again: what was finished is not repeated.',
  },
  PIPELINE_GATES_FAILED: {
    status: 422,
    exitCode: 1,
    message: 'The model does not pass {count}: {gates}. Nothing was packaged{kept}; the report is {report}',
    fix: 'Look at the report, then give the model more or better data or settings, or change evaluation.gates.',
  },
  PIPELINE_VALIDATION_FAILED: {
    status: 422,
    exitCode: 1,
    message: 'Validation of the data failed {count}: {checks}',
    fix: 'Look at {report}. Correct the data, or change the thresholds under validation in the configuration.',
  },
  // cli
  CLI_UNKNOWN_COMMAND: {
    status: 422,
    exitCode: 2,
    message: 'There is no command "{got}". Allowed: {allowed}.{suggestion}',
    fix: '`vigia --help` describes every command.',
  },
  CLI_UNKNOWN_OPTION: {
    status: 422,
    exitCode: 2,
    message: '`vigia {command}` has no option {got}. Allowed: {allowed}.{suggestion}',
    fix: '`vigia {command} --help` describes every option, with examples.',
  },
  CLI_INVALID_ARGUMENT: {
    status: 422,
    exitCode: 2,
    message: '`vigia {command}` cannot be called like this: {reason}',
    fix: '`vigia {command} --help` shows how it is called, with examples.',
  },
  // serving
  SERVING_TRANSACTION_DIFFERS: {
    status: 409,
    exitCode: 2,
    message: 'Transaction {transactionId} was decided on before, with other contents',
    fix: 'Send a repeated transaction exactly as it was sent first, or give a new one an id of its own.',
  },
  SERVING_TRANSACTION_KNOWN: {
    status: 409,
    exitCode: 2,
    message:
      'Transaction {transactionId} is part of the history that the states were loaded with; no decision was made on it',
    fix: 'Send transactions that came after the training data, or serve from a store without them: `vigia state load --help`.',
  },
  SERVING_CLOSING: {
    status: 503,
    exitCode: 2,
    message: 'The server is closing and takes no more requests',
    fix: 'Send the request again, to another server or when this one is up again.',
  },
  SERVING_STORE_BEHIND: {
    status: 503,
    exitCode: 2,
    message: '{waiting} decisions are in the log and not yet in the state store: {reason}',
    fix: 'Wait, if it is a burst of new entities. Else free space on the disk of the state store, give it a faster one, or raise state_store.cache_size; decisions go on when it has caught up.',
  },
  SERVING_CACHE_TOO_LARGE: {
    status: 422,
    exitCode: 2,
    message:
      'state_store.cache_size is {got} MiB, which does not fit: a server takes {beside} MiB beside it, and {of} has {total} MiB. Allowed: {allowed}, or 0 for what fits',
    fix: 'Lower state_store.cache_size, or leave it out; or give the container or the machine more memory.',
  },
  SERVING_CACHE_TOO_SMALL: {
    status: 422,
    exitCode: 2,
    message:
      'state_store.cache_size is {got} MiB, with which states would be read again with nearly every decision. Allowed: {allowed}, or 0 for what fits',
    fix: 'The setting is in MiB: raise state_store.cache_size, or leave it out.',
  },
  SERVING_MODEL_SOURCE_INVALID: {
    status: 422,
    exitCode: 2,
    message: '"{got}" names no model. Allowed: {allowed}',
    fix: '`vigia models list` shows the registered versions and their aliases.',
  },
  SERVING_MODEL_MISSING: {
    status: 404,
    exitCode: 2,
    message: 'There is no model in {source}',
    fix: 'Train one (`vigia run`), or name where it is: --set model.source=<folder of a run, an artifact or an MLflow model>, or models:/name@alias.',
  },
  SERVING_NO_EARLIER_LAYOUT: {
    status: 409,
    exitCode: 2,
    message:
      'There are no states to go back to: those that decide are the first that have decided here, and beside them {there}',
    fix: 'Another layout decides after `vigia state migrate --to <model> --switch`. The model before this one, of the same layout, decides again by POST /admin/models/rollback.',
  },
  SERVING_NO_EARLIER_MODEL: {
    status: 409,
    exitCode: 2,
    message: 'No other model has been the champion since this server was started',
    fix: 'Name the model instead: POST /admin/models/switch with the source models:/name/3.',
  },
  SERVING_LOG_INCOMPLETE: {
    status: 422,
    exitCode: 2,
    message: 'The log in {folder} cannot be used: {reason}',
    fix: 'Name the folder of prediction_log.path with every file that was written to it, and where the states that it began with lie elsewhere, their folder (--states; --from of `vigia state restore` and `snapshot`).',
  },
  SERVING_LOG_BEGINS_LATER: {
    status: 422,
    exitCode: 2,
    message:
      'The log in {folder} begins with record {first}: those before it were removed (prediction_log.keep), and the training has not seen them',
    fix: 'Train on data that reach past the beginning of the log, or name a copy of it from before, such as a backup (--log).',
  },
  SERVING_LOG_QUIET: {
    status: 422,
    exitCode: 2,
    message: 'The log in {folder} has no record after {after}, so there is nothing to compare',
    fix: 'Begin at an earlier snapshot (--from), or ask again when something was decided.',
  },
  SERVING_PREDICTION_REMOVED: {
    status: 410,
    exitCode: 2,
    message:
      'Decision {id} was removed from the log by prediction_log.keep: the log begins with number {first} now',
    fix: 'Look for it in a backup or a copy of the archive from before. Keep more days with prediction_log.keep.',
  },
  SERVING_KEEP_SHORT: {
    status: 422,
    exitCode: 2,
    message: 'prediction_log.keep is {got}, and {needed} asks for at least {allowed}',
    fix: 'Keep the log longer, or forever; or shorten what needs it.',
  },
  SERVING_KEEP_WITHOUT_SNAPSHOTS: {
    status: 422,
    exitCode: 2,
    message:
      'prediction_log.keep is {got} and prediction_log.snapshot_every 0s: a log whose first days go needs states to begin with',
    fix: 'Set prediction_log.snapshot_every, for instance 1d, or prediction_log.keep: forever.',
  },
  SERVING_SNAPSHOT_OVERDUE: {
    status: 503,
    exitCode: 2,
    message:
      'The newest snapshot in {folder} is {latest}, and prediction_log.snapshot_every is {every}: no day of the log is removed',
    fix: 'See why `vigia state snapshot` with the logs of all servers has not run, or has failed. Decisions go on meanwhile, and the log grows.',
  },
  SERVING_SNAPSHOT_GAPS: {
    status: 422,
    exitCode: 2,
    message:
      'The logs in {folder} are not all that was decided, and no snapshot was written. Numbers that no log has and that wait in the store no more: {missing}; numbers that name two decisions: {doubled}',
    fix: 'Name the logs of all servers (--log), with their archives; of those that are gone too. What is lost for good is left out with --accept {accept}, as `vigia state restore` has left it out.',
  },
  SERVING_SNAPSHOT_DIFFERS: {
    status: 422,
    exitCode: 2,
    message:
      'Of {decisions} decisions after record {after} in {folder}, {differing} come out with other features than were served, and no snapshot was written',
    fix: 'The logs are not those that were served from, or the states have parted from them: `vigia parity` names the features. After numbers that an earlier snapshot accepted as lost, put the store right (`vigia state restore --force`), and give the same --accept once more.',
  },
  SERVING_KEEPING_FAILED: {
    status: 503,
    exitCode: 2,
    message: 'No snapshot was taken of the states, or old days of the log in {folder} stay: {reason}',
    fix: 'Free space, or give access. It is tried again in a minute; decisions go on meanwhile.',
  },
  SERVING_SHADOW_UNREADABLE: {
    status: 503,
    exitCode: 2,
    message: 'What a shadow of another layout says cannot be read beside the log in {folder}: {reason}',
    fix: 'Give the server access to shadows/ there. Decisions, look-ups and the archive go on without it; segments stay beside the archive until it can be read, and are archived again with it.',
  },
  SERVING_SNAPSHOT_UNUSABLE: {
    status: 422,
    exitCode: 2,
    message:
      'The log in {folder} has no snapshot {got} that a replay can begin with: {reason}. There are: {allowed}',
    fix: 'Name one of them with --from, or bring it back from a backup: `vigia restore`.',
  },
  SERVING_STORE_FAILED: {
    status: 503,
    exitCode: 2,
    message: 'The state store {store} cannot be used: {reason}',
    fix: 'Free space, give access, or start the server that it names; requests are answered again as soon as it works. When it is another one that is meant, name that: state_store.url, or state_store.path.',
  },
  SERVING_STORE_ADDRESS: {
    status: 422,
    exitCode: 2,
    message: 'state_store.url is no address of a Redis: {reason}',
    fix: 'Give commands the configuration of the servers (--config), or the address: --set state_store.url=redis://user:password@host:6379/0, with redis+sentinel:// or redis+cluster:// where there are such.',
  },
  SERVING_HISTORY_LOST: {
    status: 503,
    exitCode: 2,
    message: 'The state store {store} has lost decisions: {reason}',
    fix: 'Nothing is decided on it, by any server. Bring back the data that it had; or replay the logs of all servers into it: `vigia state restore --log <folder> --log <folder>`. To begin anew on purpose, without any of it: `vigia state load --force`, and an empty prediction_log.path for each server.',
  },
  SERVING_LOG_FAILED: {
    status: 503,
    exitCode: 2,
    message: 'The prediction log in {folder} cannot be written: {reason}. Nothing was decided',
    fix: 'Free space on its disk or give access to it; requests are answered again as soon as writing works.',
  },
  SERVING_LOG_DAMAGED: {
    status: 500,
    exitCode: 2,
    message: 'The prediction log is damaged in {segment} at byte {offset}: {reason}',
    fix: 'Restore the file from a copy. What stands before the damage can be read; what comes after it cannot be put in order with it.',
  },
  SERVING_LOG_NONE: {
    status: 422,
    exitCode: 2,
    message:
      'There is no log in {folder}: {got}. The folder of a log has segments, archive.jsonl, documents, predictions or labels',
    fix: 'Name the folder of prediction_log.path of the server (`--log <folder>`). The folder of a volume that is not mounted looks like this too: mount it. Nothing was written.',
  },
  SERVING_LOG_NOT_LOST: {
    status: 422,
    exitCode: 2,
    message:
      'Numbers {numbers} of the log in {folder} cannot be accepted as lost: {reason}. Nothing was written',
    fix: 'Accept only numbers that no file has: `vigia log verify` names them after "missing". What the archive alone has after the end of the log comes back with `vigia log recover`.',
  },
  SERVING_LOG_MIXED: {
    status: 422,
    exitCode: 2,
    message:
      'The archive of segment {segment} does not belong to the segments of the log in {folder}: {reason}. Nothing was written',
    fix: 'One of the two is of another server, or an earlier copy: put back what belongs together, or all of a backup (`vigia restore`).',
  },
  SERVING_LOG_GAPS: {
    status: 503,
    exitCode: 2,
    message: 'The log in {folder} is not whole: {what}. Nothing is decided over a hole',
    fix: 'Put back the files that are missing: `vigia log verify` names every place, `vigia restore` brings all of a backup back. With the server stopped, `vigia log recover` brings back what the archive alone has after the end of the log, and `vigia log accept {numbers}` accepts what is lost for good.',
  },
  SERVING_LOG_BEHIND: {
    status: 503,
    exitCode: 2,
    message:
      'The states have the log in {folder} up to record {savedThrough} only, and its segments lack {numbers}, which they need to catch up',
    fix: 'The states are an earlier copy, or segments were removed. Where the archive has these numbers, `vigia log recover` brings them back with the server stopped. Else put back the states or the segments that belong together: `vigia restore` brings both of one backup back.',
  },
  BACKUP_TARGET_FAILED: {
    status: 503,
    exitCode: 2,
    message: 'Backups in {target} cannot be read or written: {reason}',
    fix: 'Give access to the folder, or to the bucket (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_REGION, and AWS_ENDPOINT_URL for a store other than Amazon S3), and run it again: what is there already is not copied twice.',
  },
  BACKUP_TARGET_INVALID: {
    status: 422,
    exitCode: 2,
    message: '"{target}" is no place for backups: {reason}',
    fix: 'Name a folder outside of log and states, or s3://bucket/prefix.',
  },
  BACKUP_UNSTEADY: {
    status: 503,
    exitCode: 2,
    message:
      'The log in {folder} changed faster than it could be copied, {attempts} times: its segments lack {numbers}',
    fix: 'Run it again at a quieter hour, or with a larger prediction_log.segment_size: segments are removed less often then. Nothing was written that a restore would take.',
  },
  BACKUP_SOURCE_DAMAGED: {
    status: 422,
    exitCode: 2,
    message: '{file} of the log in {folder} is not what was written: {reason}',
    fix: 'Take the file from an earlier backup (`vigia restore` to another folder) and put it in its place; `vigia log verify` names every damaged file.',
  },
  BACKUP_STATES_FOREIGN: {
    status: 409,
    exitCode: 2,
    message: 'The states in {states} are not those of the log in {log}: {reason}. No backup was written',
    fix: 'Name log and states of one server (prediction_log.path, state_store.path, by the configuration that it is served with). Only when the two are one server’s, which lost the end of its log by a power failure or whose states were loaded anew: start it once, which writes down what is lost and whose log it is, and run this again.',
  },
  BACKUP_TARGET_DAMAGED: {
    status: 503,
    exitCode: 2,
    message:
      '{target} does not keep what is written to it: {file}: {reason}. No backup was written, none was removed',
    fix: 'Look at the disk or the bucket before it is trusted again, and take the backup to another place (`vigia backup --to`) until then. The source is whole.',
  },
  BACKUP_DAMAGED: {
    status: 422,
    exitCode: 2,
    message: 'The backup {backup} is damaged: {file}: {reason}',
    fix: 'Restore another one: `vigia backup --to {target} --list` names them. Parts that they have in common are damaged in all.',
  },
  BACKUP_NOT_FOUND: {
    status: 404,
    exitCode: 2,
    message: '{target} has no backup {name}. It has: {allowed}',
    fix: 'Name one that it has, or leave --at out for the latest.',
  },
  BACKUP_FOLDER_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{folder} is no folder to restore to: {reason}',
    fix: 'Name a new or empty folder outside of the backups by --to.',
  },
  BACKUP_FOLDER_NOT_EMPTY: {
    status: 409,
    exitCode: 2,
    message: '{folder} is not empty: it has {found}',
    fix: 'Restore to a new or empty folder: nothing is ever overwritten.',
  },
  SERVING_FOLDER_IN_USE: {
    status: 503,
    exitCode: 2,
    message: '{folder} is in use by process {processId} on {host}',
    fix: 'One server uses a folder at a time: stop the other one, name another folder, or share states by state_store.kind redis. What a crash leaves is taken over by itself, unless a version without heartbeats left it: if that process is gone, remove {lock}.',
  },
  SERVING_LEASE_LOST: {
    status: 503,
    exitCode: 2,
    message: '{folder} is no longer this server’s: {reason}, and {holder} has the lock. Nothing was decided',
    fix: 'This server ends, and another one decides. If none does, start one again; look for what made this one stand still: memory that was swapped out, a paused container, a disk that did not answer.',
  },
  SERVING_STATES_NONE: {
    status: 422,
    exitCode: 2,
    message: 'There are no states in {folder}: {got}',
    fix: 'Name the folder by state_store.path, as the server has it: `--config <file>`, or `--set state_store.path=<folder>`. Nothing was written.',
  },
  SERVING_STATES_PRESENT: {
    status: 409,
    exitCode: 2,
    message: 'The store {store} has states already',
    fix: 'Serve from them, name another store, or replace them with --force: {loss}.',
  },
  SERVING_STATES_UNFINISHED: {
    status: 503,
    exitCode: 2,
    message: 'Filling this store with states was interrupted, so that some are missing: {what}',
    fix: 'Nothing is decided on a part of them. Do it again: {next}.',
  },
  SERVING_FILLER_REPLACED: {
    status: 503,
    exitCode: 2,
    message:
      'Another process has begun to fill {store} with states instead of this one, which gave no sign of life for too long, or it has filled it already',
    fix: 'Nothing of this one is in it any more. A server: start it again, it decides on what is there by then. A command: look what is there (`vigia state inspect`) before you repeat it.',
  },
  SERVING_RESTORE_GAPS: {
    status: 422,
    exitCode: 2,
    message:
      'The logs in {folder} are not all that was decided: numbers that no log has: {missing}; numbers that name two decisions: {doubled}',
    fix: 'Name the logs of all servers, with their archives. What is lost for good is left out with --accept {accept}: states and labels lack it, and whoever sends it again gets a second decision.',
  },
  SERVING_RESTORE_DIFFERS: {
    status: 422,
    exitCode: 2,
    message:
      'Of {decisions} decisions in the logs, {differing} come out with other features than were served',
    fix: 'The states are not those that were served, and the store is not served until it is restored: `vigia parity` names the features. With --force they are taken as they come.',
  },
  SERVING_LOG_NOT_EMPTY: {
    status: 409,
    exitCode: 2,
    message:
      'The log in {folder} has {records} records, and the state store has none of the states that belong to them',
    fix: 'If the store was lost, make it again from the log: `vigia state restore`. For other states, name a new folder by prediction_log.path, or move this one away: a log begins with the states that it was begun with.',
  },
  SERVING_LOG_FOREIGN: {
    status: 409,
    exitCode: 2,
    message:
      'The log of this server has decisions {other}-… up to number {lastSequence}, and the state store {store} is that of {name}-…',
    fix: 'Name an empty folder by prediction_log.path: each log has the decisions of one store. Was the store begun anew by mistake? Then `vigia state restore` puts the logs back into it.',
  },
  SERVING_CANNOT_LISTEN: {
    status: 503,
    exitCode: 2,
    message: 'The server cannot listen on {host} port {port}: {reason}',
    fix: 'Stop what listens there, or name another port: --set {setting}=8101.',
  },
  SERVING_FILE_UNREADABLE: {
    status: 422,
    exitCode: 2,
    message: '{path} cannot be read: {reason}',
    fix: 'Correct security.keys, security.tls_key or security.tls_certificate; tls_key and tls_certificate are given together.',
  },
  SERVING_OUTBOX_NOT_EMPTY: {
    status: 409,
    exitCode: 2,
    message: 'The store {store} has at least {records} decisions that are in no log yet',
    fix: 'Start a server on it for a minute, which moves them to its log, stop it, and load again.',
  },
  SERVING_STATES_FOREIGN: {
    status: 409,
    exitCode: 2,
    message: 'The states in {store} were made with {what} than those of model {model}',
    fix: 'Serve a model of the same feature and cleaning settings, or carry the history over to its layout: `vigia state migrate --to <model>` beside the running server (lmdb); elsewhere `vigia state migrate --from <run> --log <log> --out <folder>`, then `vigia state load`. A canary must have the layout of the champion.',
  },
  SERVING_SHADOW_WITHOUT_STATES: {
    status: 409,
    exitCode: 2,
    message: 'Shadow {model} has another layout than the champion, and {reason}',
    fix: 'Make states of its layout beside the running server (lmdb) with `vigia state migrate --to <model>`, then set the shadow: POST /admin/models/shadow. A server that has it already (model.shadow, or an earlier choice) decides without it meanwhile, and goes on with it by itself once they follow.',
  },
  SERVING_BRANCH_REFUSED: {
    status: 409,
    exitCode: 2,
    message: 'The states of layout {layout} cannot follow this log: {reason}',
    fix: 'Make them of a model whose amounts and labels.unlabelled are those of the models in service, with `vigia state migrate --to <model>`; a change of these needs `vigia state migrate --from <run> --log <log> --out <folder>`.',
  },
  SERVING_BRANCH_FAILED: {
    status: 503,
    exitCode: 1,
    message: 'The states of layout {layout} do not follow the log: {reason}',
    fix: 'They try again by themselves; where records that they lack are gone, end them (`vigia state migrate --drop <layout>`) and make them again.',
  },
  SERVING_BRANCH_SLOW: {
    status: 503,
    exitCode: 1,
    message:
      'The states of layout {layout} cannot decide yet: they take in the log no faster than it grows. They lack {behind} of its records; they lacked {first} when the switch was asked for. The states that have decided so far go on',
    fix: 'Give states more memory, so that the busy ones of both layouts fit (state_store.cache_size, {cache} MiB now, or a machine with more), or switch when fewer transactions come; vigia_branch_records_behind says how many records they lack.',
  },
  SERVING_BRANCH_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'No states of layout {layout} follow this log; there are: {allowed}',
    fix: 'Name one of these, or the first characters of its name (`GET /admin/state/branches`); `vigia state migrate --to <model>` makes them.',
  },
  SERVING_BRANCH_SHADOWED: {
    status: 409,
    exitCode: 2,
    message: 'The states of layout {layout} cannot end: shadow {model} is scored by them',
    fix: 'End the shadow first (POST /admin/models/shadow with source null), then its states: `vigia state migrate --drop <layout>`.',
  },
  SERVING_UNREACHABLE: {
    status: 503,
    exitCode: 2,
    message: 'No server answers at {server}: {reason}',
    fix: 'Start it, or name it with --server; states of another layout that no server has open are made without one by `vigia state migrate --to <model>`.',
  },
  SERVING_ACT_REFUSED: {
    status: 409,
    exitCode: 2,
    message: 'The server at {server} refuses {act}: {reason}',
    fix: 'Do what it says. Where it wants a key, VIGIA_API_KEY has one of scope admin.',
  },
  SERVING_BRANCHES_UNSUPPORTED: {
    status: 409,
    exitCode: 2,
    message: 'State store {store} has room for the states of one layout alone; allowed: lmdb',
    fix: 'Stop the servers and carry the history over: `vigia state migrate --from <run> --log <log of each server> --out <folder>`, then `vigia state load --from <folder> --force`.',
  },
  SERVING_ATTRIBUTES_DIFFER: {
    status: 409,
    exitCode: 2,
    message: 'Model {model} takes the attribute {attribute} for {got}, model {other} for {allowed}',
    fix: 'Serve models side by side that mean the same by an attribute: give it another name where its kind has changed.',
  },
  SERVING_AMOUNTS_DIFFER: {
    status: 409,
    exitCode: 2,
    message: 'Model {model} reads amounts by the rules {got}, model {other} by {allowed}',
    fix: 'Serve models side by side that were trained with the same settings of amounts: a request is read once for all. A log is taken over by a model with the same amounts.decimals.',
  },
  SERVING_AMOUNT_UNCONVERTED: {
    status: 409,
    exitCode: 2,
    message: 'Transaction {transactionId} has {reason}, so the model cannot see its amount in {currency}',
    fix: 'It was accepted by a model with other settings of amounts. Serve one with the same amounts.base, or start with an empty log and the states of the new model.',
  },
  SERVING_MAPPING_MISSING: {
    status: 409,
    exitCode: 2,
    message:
      'The model {model} does not say how rows of the source become transactions: it was imported, or trained before mappings travelled with models',
    fix: 'Train it again with this version (`vigia run`) and serve that, or send the fields of a transaction, without mapping=source.',
  },
  SERVING_MAPPINGS_DIFFER: {
    status: 409,
    exitCode: 2,
    message:
      'Model {model} maps {part} of the source by {got}, model {other} by {allowed}: a row is mapped once for all',
    fix: 'Serve models side by side that were trained with the same mapping, or send the fields of a transaction, without mapping=source.',
  },
  SERVING_TABLES_DIFFER: {
    status: 409,
    exitCode: 2,
    message:
      'Model {model} reads {part} of the table {table} as {got}, model {other} as {allowed}: a transaction is looked up once for all',
    fix: 'Serve models side by side that were trained with the same table, or give the other table another name, and its attributes too.',
  },
  SERVING_LOOKUPS_DIFFER: {
    status: 409,
    exitCode: 2,
    message:
      'Model {model} has the attribute {attribute} from {got}, model {other} from {allowed}: a transaction is looked up once for all',
    fix: 'Serve models side by side that have it from the same place, or give it another name where it comes from another.',
  },
  SERVING_TABLE_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'The models in service look transactions up in no table {table}, but in {allowed}',
    fix: 'Correct the name: GET /tables lists them.',
  },
  SERVING_TABLE_UNREADABLE: {
    status: 409,
    exitCode: 2,
    message: 'The table {table}, which a model looks transactions up in, cannot be read: {reason}',
    fix: 'Say where it lies with tables.{table}.path in the serving configuration, or put it there.',
  },
  SERVING_MAPPING_REFUSED: {
    status: 409,
    exitCode: 2,
    message: 'The mapping of the model in service cannot be used for requests: {reason}',
    fix: 'Train with a mapping of columns that JSON can write, or send the fields of a transaction, without mapping=source.',
  },
  // requests
  REQUEST_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The request cannot be used; it has {count}:{problems}',
    fix: 'Correct what is listed. GET /docs describes every request.',
  },
  REQUEST_TRANSACTION_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The transaction cannot be used; it has {count}:{problems}',
    fix: 'Correct what is listed. GET /sample-transaction answers with a transaction that is accepted; the columns for mapping=source stand in GET /openapi.json, as SourceRow.',
  },
  REQUEST_NOT_JSON: {
    status: 400,
    exitCode: 2,
    message: 'The body is no JSON that can be used: {reason}',
    fix: 'Send one JSON value in UTF-8, nested at most 64 deep.',
  },
  REQUEST_TABLE_UNREADABLE: {
    status: 400,
    exitCode: 2,
    message: 'The body is no {format} that can be used: {reason}',
    fix: 'Send a table with one header line and a line for each transaction, its columns called like the fields of a transaction, or send JSON.',
  },
  REQUEST_MEDIA_TYPE: {
    status: 415,
    exitCode: 2,
    message: 'The body comes as {got}; {allowed} is allowed',
    fix: 'Say in Content-Type what the body is, and send it in UTF-8, not compressed. GET /docs says what each route takes.',
  },
  REQUEST_TOO_LARGE: {
    status: 413,
    exitCode: 2,
    message: '{what} is larger than {limit}',
    fix: 'Send less at a time, or many rows as lines of application/x-ndjson to POST /predict/batch.',
  },
  REQUEST_TOO_SLOW: {
    status: 408,
    exitCode: 2,
    message: 'The body was not there after {limit}',
    fix: 'Send it faster, or as lines of application/x-ndjson to POST /predict/batch.',
  },
  REQUEST_MALFORMED: {
    status: 400,
    exitCode: 2,
    message: 'The request cannot be read: {reason}',
    fix: 'GET /docs describes every request.',
  },
  REQUEST_ROUTE_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'There is nothing at {path}',
    fix: 'GET /docs describes every request.',
  },
  REQUEST_METHOD_NOT_ALLOWED: {
    status: 405,
    exitCode: 2,
    message: '{path} does not take {method}; it takes {allowed}',
    fix: 'GET /docs describes every request.',
  },
  REQUEST_KEY_MISSING: {
    status: 401,
    exitCode: 2,
    message: 'This request needs an API key',
    fix: 'Send it as Authorization: Bearer <key>, or as X-API-Key: <key>.',
  },
  SERVING_ROUTE_TAKEN: {
    status: 500,
    exitCode: 2,
    message: '{setting} is {route}, which is a route of the server already',
    fix: 'Choose another, or leave the setting (or the variable of the platform) out: /invocations and /ping are always there.',
  },
  REQUEST_KEY_UNKNOWN: {
    status: 401,
    exitCode: 2,
    message: 'The API key is not one of this server',
    fix: 'Check the key, and that its hash is in the file of security.keys.',
  },
  REQUEST_SCOPE_MISSING: {
    status: 403,
    exitCode: 2,
    message: 'The API key {name} may not do this; it lacks the scope {scope}',
    fix: 'Use another key, or give this one the scope in the file of security.keys.',
  },
  REQUEST_RATE_LIMITED: {
    status: 429,
    exitCode: 2,
    message: 'More than {limit} requests in a minute',
    fix: 'Wait as long as Retry-After says.',
  },
  PREDICTION_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'No decision has the prediction or transaction id {id}',
    fix: 'Ask the server that made it, with the prediction_id of its answer. Decisions are forgotten when their log is removed.',
  },
  FEEDBACK_WAITING_FULL: {
    status: 503,
    exitCode: 2,
    message:
      'No transaction {id} is remembered here, and {allowed} labels wait for their transactions already, as many as feedback.waiting_labels allows',
    fix: 'Send the label again later, or with its transaction; look whether the ids of labels are those of transactions, and raise feedback.waiting_labels if they are.',
  },
  SERVING_MODEL_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'No model {got} is in service; there is {allowed}',
    fix: 'GET /model lists the models in service.',
  },
  SERVING_BODY_NOT_KEPT: {
    status: 507,
    exitCode: 2,
    message: 'A body of {format} cannot be written to the folder for temporary files: {reason}',
    fix: 'Let TMPDIR name a folder that the server may write to, with room for a body, or send JSON.',
  },
  SERVING_OVERLOADED: {
    status: 503,
    exitCode: 2,
    message: 'The server has too much to do: {reason}',
    fix: 'Send the request again after as long as Retry-After says.',
  },
  SERVING_UNEXPECTED: {
    status: 500,
    exitCode: 70,
    message: 'The server failed unexpectedly',
    fix: 'Report the request id: the log of the server has the cause.',
  },
  SERVING_KEYS_MISSING: {
    status: 500,
    exitCode: 2,
    message: 'Without API keys anyone who reaches {host} could do anything',
    fix: 'Name a file of keys (security.keys), listen on 127.0.0.1 (api.host), or say that the platform keeps strangers out (security.guarded_by=platform).',
  },
  SERVING_KEYS_INVALID: {
    status: 500,
    exitCode: 2,
    message: 'The API keys in {file} cannot be used: {reason}',
    fix: 'Write a JSON list of objects with name, sha256, scopes and, if wanted, requests_per_minute.',
  },
  SERVING_TLS_INVALID: {
    status: 500,
    exitCode: 2,
    message: 'TLS cannot be set up: {reason}',
    fix: 'Give both security.tls_key and security.tls_certificate, as PEM files that belong together.',
  },
  // alerts
  ALERT_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'There is no alert {key}; known are: {known}',
    fix: '`vigia alerts list` names every alert by its key.',
  },
  ALERT_NOT_FIRING: {
    status: 409,
    exitCode: 2,
    message: 'The alert {key} does not fire: it is {status}, so there is nothing to acknowledge',
    fix: 'Silence it where nothing shall be told of it: `vigia alerts silence KEY --until 8h --reason …`.',
  },
  ALERT_SILENCE_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The alert {key} cannot be silenced like this: {reason}',
    fix: 'Give an end in the future (--until 8h, --until 2026-12-01T08:00:00Z) and a reason (--reason).',
  },
  ALERT_SILENCE_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'There is no planned silence {id}; planned are: {known}',
    fix: '`vigia alerts list` names those that are planned; that of one alert is ended by `vigia alerts unsilence KEY`.',
  },
  ALERT_MODEL_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'There are neither alerts nor looks of the model {model}; known are those of: {known}',
    fix: 'Correct the name; `vigia alerts list` has the model in the key of each alert.',
  },
  ALERTS_NOT_CONFIGURED: {
    status: 409,
    exitCode: 2,
    message:
      'This server keeps no alerts: it takes no looks (monitoring.enabled), has no channel (alerts.channels), and nobody has told any (alerts.path)',
    fix: 'Let the server look (monitoring.enabled: true), or `vigia monitor --tell` with the same alerts.path; docs/alerts.md has an example of each kind of channel under alerts.channels.',
  },
  ALERT_CHANNEL_UNKNOWN: {
    status: 404,
    exitCode: 2,
    message: 'There is no alert channel "{name}"; configured are: {known}',
    fix: 'Correct the name, or describe the channel under alerts.channels of the serving configuration.',
  },
  ALERT_CHANNEL_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The alert channel "{name}" cannot be used: {reason}',
    fix: 'Correct alerts.channels.{name}; docs/alerts.md has an example of each kind.',
  },
  ALERT_SECRETS_MISSING: {
    status: 422,
    exitCode: 2,
    message: '{file} names what alerts cannot be sent through from here:{problems}',
    fix: 'Provide what is listed where the server runs. A server starts without, and their messages wait. Where secrets are elsewhere, as on a machine that only builds, check with --without-secrets.',
  },
  ALERT_JOURNAL_FAILED: {
    status: 503,
    exitCode: 2,
    message: 'The alerts in {location} cannot be read or written: {reason}',
    fix: 'Let alerts.path name a folder on a local disk with room that this user may write to.',
  },
  // scheduling
  SCHEDULE_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'The schedule "{expression}" in the time zone "{timeZone}" cannot be used: {reason}',
    fix: 'Write five fields (minute, hour, day of the month, month, weekday), or six with seconds first, such as "20 0 * * *", and a zone such as UTC or Europe/Madrid.',
  },
  SCHEDULE_JOURNAL_FAILED: {
    status: 503,
    exitCode: 2,
    message: 'The journal of scheduled runs in {location} cannot be read or written: {reason}',
    fix: 'Let monitoring.path name a folder on a local disk with room that this user may write to.',
  },
  SCHEDULE_RUN_LOST: {
    status: 503,
    exitCode: 2,
    message: 'The run of {job} for {scheduledFor} was taken from this process: {reason}',
    fix: 'Nothing to do where the process had stood still: another one goes on. Else look at the clock and the disk of this machine.',
  },
  SCHEDULE_RUN_ENDED: {
    status: 503,
    exitCode: 2,
    message: 'The run of {job} for {scheduledFor} was ended: the process closes',
    fix: 'Nothing to do: it is run again at the next start where the job allows it, else at its next time.',
  },
  // retraining
  COMPARISON_IMPOSSIBLE: {
    status: 422,
    exitCode: 2,
    message: 'Two models cannot be compared on these rows: {reason}',
    fix: 'Compare on more days, whose labels have matured.',
  },
  RETRAINING_JOURNAL_FAILED: {
    status: 503,
    exitCode: 2,
    message: 'What is known of retraining in {location} cannot be read or written: {reason}',
    fix: 'Let retraining.path name a folder on a local disk with room that this user may write to.',
  },
  RETRAINING_NOT_REGISTERED: {
    status: 409,
    exitCode: 2,
    message: 'The challenger of {folder} is no version of {model} in the registry',
    fix: 'Let tracking.enabled be true, and deliver what waits: `vigia tracking push`. Then go on: `vigia retrain`.',
  },
  RETRAINING_NOT_SERVED: {
    status: 502,
    exitCode: 2,
    message: 'The server says that it has done what retraining asks for, and still has not: {what}',
    fix: 'Ask it which models it serves (GET /admin/models), and look for another program that changes them.',
  },
  RETRAINING_NOT_ENABLED: {
    status: 409,
    exitCode: 2,
    message:
      'This server trains nothing again: retraining.enabled is not set, or it could not be read at the start',
    fix: 'Set retraining.enabled and start the server again, or ask where the journal is: `vigia retrain --status`, `vigia retrain --request WHY`.',
  },
  RETRAINING_STEP_FAILED: {
    status: 500,
    exitCode: 2,
    message: 'The process that trains {model} again has failed: {reason}',
    fix: 'It is tried again at the next of retraining.steps. `vigia retrain` does the step by hand and shows why; where memory was short, raise retraining.memory or the memory of the machine.',
  },
  RETRAINING_NOTHING_RUNS: {
    status: 409,
    exitCode: 2,
    message: 'No retraining of {model} is under way: there is nothing to end',
    fix: '`vigia retrain --status` tells what became of the last one.',
  },
  // performance and quality
  PERFORMANCE_EVENT_INVALID: {
    status: 422,
    exitCode: 2,
    message: 'Decision {row}: {what} is {got}; allowed: {allowed}',
    fix: 'Correct the decision or its label. A label has a value, an origin and the time at which it became known.',
  },
  PERFORMANCE_NO_FRAUDS: {
    status: 422,
    exitCode: 2,
    message:
      'No known fraud is older than its label took, within {days} days: there is no delay to learn from',
    fix: 'Wait until labels have come, or take in older decisions with their labels.',
  },
  PERFORMANCE_HISTORY_SHORT: {
    status: 422,
    exitCode: 2,
    message: 'A baseline needs at least {allowed} days with labels, {what} has {got}',
    fix: 'Begin watching when more days have labels; until then look at the figures with their intervals.',
  },
  PERFORMANCE_SETTING_INVALID: {
    status: 422,
    exitCode: 2,
    message: '{what} is {got}; allowed: {allowed}',
    fix: 'Correct the setting.',
  },
  QUALITY_HISTORY_SHORT: {
    status: 422,
    exitCode: 2,
    message: 'Limits of data quality need at least {allowed} days of summaries, got {got}',
    fix: 'Summarise more days before the one to be judged; two weeks are the least, eight are good.',
  },
  QUALITY_FIELDS_DIFFER: {
    status: 422,
    exitCode: 2,
    message: 'The summary of {window} has {what} field "{field}", which the other days have otherwise',
    fix: 'Summarise all days with the same fields, of the same kinds.',
  },
})
