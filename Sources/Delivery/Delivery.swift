import Accounts
import Basics
import DNSResolver
import Logging
import MailLog
import MailQueue
import MailStore
import MailSyntax

/// What becomes of mail: decides on recipients, writes local copies, queues the rest, runs the queue.
package final class Delivery: Sendable {
  /// The spool behind it.
  package let queue: MailQueue
  private let directory: any RecipientDirectory
  private let store: any LocalMailboxes
  private let mailAccount: @Sendable (Account) -> MailAccount
  private let live: LiveSettings
  private var settings: DeliverySettings { live.value }
  private let expander: RecipientExpander
  private let acceptance: Acceptance
  private let runner: QueueRunner
  private let own = OwnAddresses()
  private let log: Logger

  /// Puts the parts together; nothing runs yet.
  ///
  /// - Parameters:
  ///   - mailAccount: where an account's mail lies.
  ///   - journal: where the story of every message is told.
  ///   - onOutcome: hears how mail to a domain elsewhere fared: recipients taken, recipients refused for good.
  package init(
    settings: DeliverySettings, directory: any RecipientDirectory, store: any LocalMailboxes,
    mailAccount: @escaping @Sendable (Account) -> MailAccount, queue: MailQueue, resolver: any Resolving,
    transport: any MailTransport, journal: MailLog? = nil, time: any TimeSource, log: Logger,
    onOutcome: @escaping @Sendable (_ destination: MailDomain, _ accepted: Int, _ failed: Int) -> Void = { _, _, _ in }
  ) {
    let live = LiveSettings(settings)
    self.live = live
    self.directory = directory
    self.store = store
    self.mailAccount = mailAccount
    self.queue = queue
    self.log = log
    let rewriter =
      settings.srsKey.isEmpty
      ? nil
      : SenderRewriter(
        key: settings.srsKey, lifetimeDays: settings.srsLifetime.wholeMilliseconds / 86_400_000, time: time)
    let expander = RecipientExpander(
      directory: directory, rewriter: rewriter, depthLimit: settings.aliasDepth, targetLimit: settings.aliasTargets)
    self.expander = expander
    let reports = ReportMaker(live: live, queue: queue, time: time, log: log) {
      await Self.postmaster(live.value, directory)
    }
    acceptance = Acceptance(
      directory: directory, store: store, mailAccount: mailAccount, queue: queue, expander: expander,
      rewriter: rewriter, reports: reports, live: live, journal: journal, time: time, log: log)
    let attempts = AttemptMaker(
      directory: directory, acceptance: acceptance, queue: queue,
      finder: RouteFinder(resolver: resolver, live: live, own: own), transport: transport, time: time,
      live: live, journal: journal, cap: SmarthostCap(journal: journal, time: time), log: log)
    let settler = Settler(
      queue: queue, reports: reports, live: live, curve: RetryCurve(step: queue.settings.retryStep),
      journal: journal, time: time, log: log, onOutcome: onOutcome)
    runner = QueueRunner(
      queue: queue, attempts: attempts, settler: settler, live: live, time: time, log: log)
  }

  /// A new queue id, to be named in `Received:` and in the 250.
  package func newID() -> String { queue.newID() }

  /// Takes new settings (SIGHUP) for everything that begins from now on; the key and depth of forwards stay.
  package func update(_ settings: DeliverySettings) { live.update(settings) }

  /// Names the addresses on which this host takes mail, once they are bound: exchangers that point there are loops.
  package func setListeningAddresses(_ addresses: [ListeningAddress]) { own.set(addresses) }

  /// Says what RCPT must answer; never throws: a failing store becomes a 451.
  ///
  /// - Parameter declaredSize: the SIZE of MAIL, for the quota; `nil` asks only whether the mailbox is full.
  package func decide(recipient: EmailAddress, declaredSize: Int?) async -> RecipientDecision {
    do {
      let expansion = try await expander.expand(await resolvedPostmaster(recipient))
      if expansion.isRemote { return .remote(recipient.domain) }
      guard expansion.isDeliverable else {
        return .refuse(expansion.refusals.first ?? RecipientTexts.noMailbox)
      }
      if expansion.outside.isEmpty, !expansion.isDiscarded, !expansion.mailboxes.isEmpty {
        for mailbox in expansion.mailboxes
        where try await store.fits(mailAccount(mailbox.account), bytes: max(declaredSize ?? 1, 1)) { return .local }
        return .refuse(RecipientTexts.overQuota)
      }
      return .local
    } catch {
      log.error("recipient lookup failed", metadata: ["to": "\(recipient)", "error": "\(error)"])
      return .refuse(RecipientTexts.lookupFailed)
    }
  }

  /// The address that `RCPT TO:<postmaster>` without a domain stands for (RFC 5321 section 4.5.1).
  package func postmaster() async -> EmailAddress? { await Self.postmaster(settings, directory) }

  /// Takes responsibility: on return every local copy and every queue entry is durable.
  ///
  /// - Returns: the message's queue id, for `250 2.0.0 Ok: queued as ID`.
  /// - Throws: ``DeliveryRefusal``; then nothing was kept and no one will be told but the client.
  package func accept(_ message: AcceptedMessage) async throws(DeliveryRefusal) -> String {
    _ = try await acceptance.take(await resolvedPostmaster(message), .whole)
    return message.id
  }

  /// As ``accept(_:)`` with one reply per recipient, in their order (LMTP, RFC 2033 section 4.2).
  package func acceptEach(_ message: AcceptedMessage) async -> [SMTPReply] {
    await acceptance.takeEach(await resolvedPostmaster(message))
  }

  /// Runs the queue until the task is cancelled or ``stop()`` is called.
  package func run() async { await runner.run() }

  /// Lets ``run()`` return once the attempts under way are finished, or cut off after the drain time.
  package func stop() async { await runner.stop() }

  /// Attempts under way and recipients claimed, for `status`.
  package func load() async -> (attempts: Int, recipients: Int) {
    let load = await runner.load
    return (load.workers, load.recipients)
  }

  // MARK: Postmaster

  /// Mail for postmaster at the host's own name goes to the one who cares for the host.
  private func resolvedPostmaster(_ address: EmailAddress) async throws -> EmailAddress {
    guard address.localPart.lowercased() == postmasterName, address.domain.ascii == settings.hostname.lowercased(),
      try await !directory.isHosted(address.domain), let postmaster = await postmaster()
    else { return address }
    return postmaster
  }

  private func resolvedPostmaster(_ message: AcceptedMessage) async -> AcceptedMessage {
    var message = message
    for index in message.recipients.indices {
      let address = message.recipients[index].address
      message.recipients[index].address = (try? await resolvedPostmaster(address)) ?? address
    }
    return message
  }

  /// The configured address, else postmaster of the nearest hosted domain above our own name.
  private static func postmaster(
    _ settings: DeliverySettings, _ directory: any RecipientDirectory
  ) async -> EmailAddress? {
    if let postmaster = settings.postmaster { return postmaster }
    var name = Substring(settings.hostname)
    while !name.isEmpty {
      if let domain = try? MailDomain(name), (try? await directory.isHosted(domain)) == true {
        return try? EmailAddress(localPart: postmasterName, domain: domain)
      }
      guard let dot = name.firstIndex(of: ".") else { break }
      name = name[name.index(after: dot)...]
    }
    return nil
  }
}
