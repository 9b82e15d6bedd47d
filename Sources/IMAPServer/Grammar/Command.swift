/// One command of a client, its arguments read but not yet checked against any mailbox.
///
/// APPEND is not among them: its messages go past the parser (`AppendHead`). Mailbox names are still as they
/// travelled.
enum Command: Equatable, Sendable {
  case capability
  case noop
  case logout
  case id([IDParameter])
  case startTLS
  case authenticate(mechanism: String, initialResponse: [UInt8]?)
  case login(user: [UInt8], password: [UInt8])
  case enable([String])
  case select(SelectArgument, readOnly: Bool)
  case create([UInt8], uses: [String])
  case delete([UInt8])
  case rename(from: [UInt8], to: [UInt8])
  case subscribe([UInt8])
  case unsubscribe([UInt8])
  case list(ListArgument)
  case lsub(ListArgument)
  case namespace
  case status([UInt8], [StatusItem])
  case idle
  case check
  case close
  case unselect
  case expunge(uids: SequenceSet?)
  case search(SearchArgument, uid: Bool)
  case multiSearch(MultiSearchArgument)
  case cancelUpdates([[UInt8]])
  case uidBatches(UIDBatchesArgument)
  case sort(SortArgument, uid: Bool)
  case thread(ThreadArgument, uid: Bool)
  case fetch(FetchArgument, uid: Bool)
  case store(StoreArgument, uid: Bool)
  case copy(SequenceSet, to: [UInt8], uid: Bool)
  case move(SequenceSet, to: [UInt8], uid: Bool)
  case getQuota([UInt8])
  case getQuotaRoot([UInt8])
  case setQuota([UInt8])
  case getMetadata(MetadataQuery)
  case setMetadata([UInt8], [MetadataChange])
  /// `nil`: NOTIFY NONE.
  case notify(NotifyArgument?)
  case rights(RightsCommand)
  case compress(String)
  case unauthenticate
  case language([String])
}

extension Command {
  /// Whether other mailboxes may be selected or there afterwards.
  var changesMailboxes: Bool {
    switch self {
    case .select, .close, .unselect, .create, .delete, .rename, .subscribe, .unsubscribe: true
    default: false
    }
  }

  /// Whether message sequence numbers stand in the command or its answer, which UIDONLY (RFC 9586) forbids.
  var usesSequenceNumbers: Bool {
    switch self {
    case .fetch(_, let uid), .store(_, let uid), .copy(_, _, let uid), .move(_, _, let uid): !uid
    case .search(let argument, let uid): !uid || argument.key.namesSequence
    case .multiSearch(let argument): argument.search.key.namesSequence
    case .sort(let argument, let uid): !uid || argument.search.key.namesSequence
    case .thread(let argument, let uid): !uid || argument.search.key.namesSequence
    default: false
    }
  }
}

/// One pair of the ID command (RFC 2971).
struct IDParameter: Equatable, Sendable {
  var key: [UInt8]
  var value: [UInt8]?
}
