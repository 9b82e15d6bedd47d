import Basics
import Logging

/// All mailboxes of the host: Maildir++ on disk, one index per account, views shared by sessions.
package final class MailStore: Sendable {
  /// The numbers it works by.
  package let settings: MailStoreSettings
  let time: any TimeSource
  let log: Logger

  /// Makes a store and starts its threads; nothing on disk is touched.
  package init(settings: MailStoreSettings, time: any TimeSource, log: Logger) throws {
    self.settings = settings
    self.time = time
    self.log = log
  }

  private var unbuilt: StoreError { StoreError(.temporary, "not built yet") }

  /// Stops the threads and closes every index; open sessions get `StoreError.closed`.
  package func close() async {}

  /// Makes an account's Maildir from the template; does nothing when it is there.
  package func create(_ account: MailAccount) async throws { throw unbuilt }

  /// Ends an account: views close, and the mail is removed unless `keepMail`.
  package func remove(_ account: MailAccount, keepMail: Bool) async throws { throw unbuilt }

  /// Puts a message into a folder; on return it is durable (file and directory synced).
  ///
  /// - Parameters:
  ///   - content: the message, lines ended with CRLF.
  ///   - prefix: octets written before it (`Return-Path:`, `Delivered-To:`, `Received:`), with CRLF.
  ///   - account: whose mailbox; made from the template when it does not exist yet.
  ///   - folder: where to; created when missing.
  ///   - flags: system flags it gets.
  ///   - internalDate: `nil` is now.
  /// - Throws: `StoreError` with `overQuota` or `temporary`.
  package func deliver(
    _ content: MessageContent, prefix: [UInt8] = [], to account: MailAccount, folder: MailboxName = .inbox,
    flags: MessageFlags = [], internalDate: Timestamp? = nil
  ) async throws -> DeliveredMessage { throw unbuilt }

  /// Whether a message of so many octets fits the quota now (RCPT time).
  package func fits(_ account: MailAccount, bytes: Int) async throws -> Bool { throw unbuilt }

  /// How much of the quota is taken, from the running sum.
  package func quotaUse(_ account: MailAccount) async throws -> QuotaUse { throw unbuilt }

  /// Counts the files again and rewrites `maildirsize`.
  package func recount(_ account: MailAccount) async throws -> QuotaUse { throw unbuilt }

  /// A folder, for reading or changing.
  ///
  /// - Throws: `noSuchFolder`.
  package func mailbox(_ account: MailAccount, name: MailboxName) async throws -> Mailbox { throw unbuilt }

  /// All folders, subscribed names without folder included, by name.
  package func folders(_ account: MailAccount) async throws -> [FolderInfo] { throw unbuilt }

  /// Makes a folder and the levels above it.
  package func createFolder(_ account: MailAccount, name: MailboxName, specialUse: SpecialUse? = nil) async throws {
    throw unbuilt
  }

  /// Removes a folder and its mail; folders below it stay (RFC 9051 section 6.3.5).
  package func deleteFolder(_ account: MailAccount, name: MailboxName) async throws { throw unbuilt }

  /// Renames a folder and those below it; INBOX gives its messages away and stays (RFC 9051 section 6.3.6).
  package func renameFolder(_ account: MailAccount, from: MailboxName, to: MailboxName) async throws { throw unbuilt }

  /// Adds a name to the subscriptions, whether or not the folder exists.
  package func subscribe(_ account: MailAccount, name: MailboxName) async throws { throw unbuilt }

  /// Takes a name from the subscriptions.
  package func unsubscribe(_ account: MailAccount, name: MailboxName) async throws { throw unbuilt }

  /// A folder's counts, without loading it when its directories are unchanged.
  package func status(_ account: MailAccount, name: MailboxName) async throws -> FolderStatus { throw unbuilt }

  /// Takes the mailbox for one POP3 session; `nil` when another has it (`[IN-USE]`).
  package func lockForPOP(_ account: MailAccount) -> POPLease? { nil }
}

/// Holds a mailbox for one POP3 session; released when cancelled or let go.
package final class POPLease: Sendable {
  private let onRelease: @Sendable () -> Void

  init(onRelease: @escaping @Sendable () -> Void) { self.onRelease = onRelease }

  /// Gives the mailbox free; more than once does no harm.
  package func release() { onRelease() }

  deinit { onRelease() }
}
