import MailQueue
import MailSyntax

/// Where one message goes: every mailbox once, every outside address once, whoever of the recipients led there.
struct DeliveryPlan: Sendable {
  /// One place the message goes to.
  struct Branch: Sendable {
    enum Target: Sendable {
      case mailbox(RecipientExpansion.Mailbox)
      case outside(RecipientExpansion.Outside)
      case discard
      case nowhere
    }
    enum State: Sendable {
      case open
      case kept
      case failed(SMTPReply)
    }
    var target: Target
    /// Indexes of the recipients that led here.
    var owners: [Int]
    var state = State.open
    /// The queue id of the copy for another server, when it is not the message's own.
    var queueID: String?

    var failure: SMTPReply? { if case .failed(let reply) = state { reply } else { nil } }
    var isKept: Bool { if case .kept = state { true } else { false } }
    var isOpen: Bool { if case .open = state { true } else { false } }
  }

  private(set) var branches: [Branch] = []
  private var mailboxes: [Int64: Int] = [:]
  private var outsides: [String: Int] = [:]

  /// Adds what a recipient leads to; a loop that the header shows fails its branch.
  mutating func add(_ expansion: RecipientExpansion, owner: Int, header: HeaderScan) {
    for mailbox in expansion.mailboxes {
      if let place = mailboxes[mailbox.account.id] {
        branches[place].owners.append(owner)
        continue
      }
      mailboxes[mailbox.account.id] = branches.count
      let loops = header.deliveredTo.contains(mailbox.address.key)
      branches.append(
        Branch(
          target: .mailbox(mailbox), owners: [owner], state: loops ? .failed(RecipientTexts.looping) : .open))
    }
    for outside in expansion.outside {
      let key = "\(outside.address.key) \(outside.alias?.key ?? "")"
      if let place = outsides[key] {
        branches[place].owners.append(owner)
        continue
      }
      outsides[key] = branches.count
      let loops = outside.alias.map { header.deliveredTo.contains($0.key) } ?? false
      branches.append(
        Branch(
          target: .outside(outside), owners: [owner], state: loops ? .failed(RecipientTexts.looping) : .open))
    }
    if expansion.isDiscarded { branches.append(Branch(target: .discard, owners: [owner], state: .kept)) }
    // A refused branch beside deliverable ones (a locked member of a group alias) is reported on its own.
    for refusal in expansion.refusals {
      branches.append(Branch(target: .nowhere, owners: [owner], state: .failed(refusal)))
    }
  }

  /// Notes that a recipient leads nowhere.
  mutating func fail(_ reply: SMTPReply, owner: Int) {
    branches.append(Branch(target: .nowhere, owners: [owner], state: .failed(reply)))
  }

  mutating func settle(_ index: Int, _ state: Branch.State, queueID: String? = nil) {
    branches[index].state = state
    branches[index].queueID = queueID
  }

  /// The reply for one recipient: success when any of its branches was kept.
  func reply(owner: Int) -> SMTPReply {
    let own = branches.filter { $0.owners.contains(owner) }
    if own.contains(where: \.isKept) { return RecipientTexts.delivered }
    let failures = own.compactMap(\.failure)
    return failures.first(where: \.isTransient) ?? failures.first ?? RecipientTexts.lookupFailed
  }

  /// The reply for the whole message when nothing was kept: a temporary one when anything may work later.
  var refusal: SMTPReply {
    let failures = branches.compactMap(\.failure)
    return failures.first(where: \.isTransient) ?? failures.first ?? RecipientTexts.lookupFailed
  }
}
