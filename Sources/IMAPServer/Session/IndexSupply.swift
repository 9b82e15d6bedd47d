import MailStore

/// Gives a FETCH what the index knows of its messages, batch by batch: the next one is read, or computed, while one is
/// being sent.
final class IndexSupply {
  /// What is known of a batch, by rising UID.
  struct Batch: Sendable {
    var rows: [IndexedMessage] = []
    var details: [MessageDetails] = []
  }
  private let mailbox: Mailbox
  private let view: MailboxView
  private var batches: ArraySlice<[Range<Int>]>
  private let needsIndex: Bool
  private let needsDetails: Bool
  private var ahead: [Task<Batch, any Error>] = []

  /// Batches under way: while one is written into the index, another is computed.
  private static let mostAhead = 2

  init(_ current: IMAPSession.Selected, _ batches: [[Range<Int>]], _ plan: IMAPSession.FetchPlan) {
    mailbox = current.mailbox
    view = current.view
    self.batches = batches[...]
    needsIndex = plan.needsIndex
    needsDetails = plan.needsDetails
  }

  deinit { for task in ahead { task.cancel() } }

  /// The next batch.
  func next() async throws -> Batch {
    guard needsIndex || needsDetails else { return Batch() }
    // One batch alone is read in place.
    if ahead.isEmpty, batches.count == 1, let only = batches.popFirst() {
      return try await Self.read(view.uids(only), mailbox, index: needsIndex, details: needsDetails)
    }
    while ahead.count <= Self.mostAhead, let following = batches.popFirst() {
      ahead.append(Self.readAhead(view.uids(following), mailbox, index: needsIndex, details: needsDetails))
    }
    return ahead.isEmpty ? Batch() : try await ahead.removeFirst().value
  }

  private static func readAhead(
    _ uids: [UInt32], _ mailbox: Mailbox, index: Bool, details: Bool
  ) -> Task<Batch, any Error> {
    Task { try await read(uids, mailbox, index: index, details: details) }
  }

  private static func read(_ uids: [UInt32], _ mailbox: Mailbox, index: Bool, details: Bool) async throws -> Batch {
    var batch = Batch()
    if index { batch.rows = try await mailbox.fetchIndex(uids) }
    if details { batch.details = try await mailbox.details(uids) }
    return batch
  }
}
