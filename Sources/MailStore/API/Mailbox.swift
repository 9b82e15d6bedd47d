import Basics

/// One folder of one account; all sessions on it share the object. Methods run on the store's own threads.
package final class Mailbox: Sendable {
  /// The folder's name when the object was made.
  package let name: MailboxName
  /// The account it belongs to.
  package let account: MailAccount

  init(name: MailboxName, account: MailAccount) {
    self.name = name
    self.account = account
  }

  private var unbuilt: StoreError { StoreError(.temporary, "not built yet") }

  /// The mailbox as it is now; looks at the Maildir first and takes in what other programs changed.
  package func snapshot() async throws -> MailboxSnapshot { throw unbuilt }

  /// As `snapshot()`, with exact sizes and internal dates for every message.
  package func measuredSnapshot() async throws -> MailboxSnapshot { throw unbuilt }

  /// Takes the `\Recent` mark for the calling session: UIDs from the result up to UIDNEXT are recent for it alone.
  package func claimRecent() async throws -> Range<UInt32> { throw unbuilt }

  /// ENVELOPE, BODY and BODYSTRUCTURE of messages, by rising UID; messages that vanished are left out.
  ///
  /// Missing entries are computed in parallel and kept. Ask for some hundreds at a time.
  package func fetchIndex(_ uids: [UInt32]) async throws -> [IndexedMessage] { throw unbuilt }

  /// Sort and thread keys of messages, by rising UID; messages that vanished are left out.
  package func keys(_ uids: [UInt32]) async throws -> [MessageKeys] { throw unbuilt }

  /// Opens a message for reading.
  package func open(_ uid: UInt32) async throws -> MessageFile { throw unbuilt }

  /// Changes flags and keywords; a change that changes nothing keeps the MODSEQ.
  package func store(_ change: FlagChange, uids: [UInt32], unchangedSince: UInt64? = nil) async throws -> StoreResult {
    throw unbuilt
  }

  /// Puts messages into the folder, all or none (RFC 3502), durably.
  package func append(_ messages: [NewMessage]) async throws -> UIDAssignment { throw unbuilt }

  /// Removes the messages marked `\Deleted`, of all or of the given UIDs (UID EXPUNGE); gives the UIDs removed.
  package func expunge(_ uids: [UInt32]? = nil) async throws -> [UInt32] { throw unbuilt }

  /// Removes messages whatever their flags (POP3 QUIT, REPLACE); gives the UIDs removed.
  package func remove(_ uids: [UInt32]) async throws -> [UInt32] { throw unbuilt }

  /// Copies messages into another folder of the same account, all or none.
  package func copy(_ uids: [UInt32], to target: Mailbox) async throws -> UIDAssignment { throw unbuilt }

  /// Moves messages into another folder of the same account (RFC 6851).
  package func move(_ uids: [UInt32], to target: Mailbox) async throws -> UIDAssignment { throw unbuilt }

  /// Of the given UIDs, those whose text matches; files are read in parallel where the index cannot decide.
  package func search(_ condition: TextCondition, among uids: [UInt32]) async throws -> [UInt32] { throw unbuilt }

  /// What was expunged since a MODSEQ.
  package func expunged(since modSeq: UInt64) async throws -> ExpungedSince { throw unbuilt }

  /// The messages as POP3 shows them, by rising UID.
  package func popListing() async throws -> [POPMessage] { throw unbuilt }

  /// Calls `wake` from some thread whenever the view's version changed, until the token is cancelled or released.
  package func addListener(_ wake: @escaping @Sendable () -> Void) async throws -> ListenerToken { throw unbuilt }
}

/// Ends a listener when it is cancelled or released.
package final class ListenerToken: Sendable {
  private let onCancel: @Sendable () -> Void

  init(onCancel: @escaping @Sendable () -> Void) { self.onCancel = onCancel }

  /// Stops the calls; more than once does no harm.
  package func cancel() { onCancel() }

  deinit { onCancel() }
}
