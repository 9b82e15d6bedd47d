import Basics

/// STATUS, quick for folders nobody has open.
extension AccountStore {
  /// Views that STATUS may leave loaded in one account.
  private static let statusViews = 128

  func status(_ name: MailboxName) throws -> FolderStatus {
    try perform { index in
      let key = try folderKey(name, index)
      let id = key.id
      if views[id] == nil, let row = try index.folder(id: id), row.stamps.isKnown,
        stampsNow(try path(name)) == row.stamps
      {
        return FolderStatus(
          messages: row.totals.messages, recent: row.recent, unseen: row.totals.unseen, deleted: row.totals.deleted,
          size: row.totals.wireBytes, uidNext: row.uidNext, uidValidity: row.uidValidity, highestModSeq: row.modSeq,
          objectID: row.objectID)
      }
      let wasLoaded = views[id] != nil
      let view = try view(key, index)
      try sync(view, index)
      let status = Self.status(of: view)
      // A walk through thousands of folders leaves the watches to those that somebody has open.
      if !wasLoaded, views.count > Self.statusViews, seats[id]?.listeners.isEmpty ?? true { letGo(view) }
      return status
    }
  }

  /// As `status`; a view that a walk through many folders has loaded does not stay.
  func statusLettingGo(_ name: MailboxName) throws -> FolderStatus {
    let status = try status(name)
    if views.count > Self.statusViews, let id = folderIDs[name], let view = views[id],
      seats[id]?.listeners.isEmpty ?? true
    {
      letGo(view)
    }
    return status
  }

  static func status(of view: FolderView) -> FolderStatus {
    let recent = view.records.count - view.lowerBound(view.recentFrom)
    return FolderStatus(
      messages: view.totals.messages, recent: recent, unseen: view.totals.unseen, deleted: view.totals.deleted,
      size: view.totals.wireBytes, uidNext: view.uidNext, uidValidity: view.uidValidity,
      highestModSeq: view.highestModSeq, objectID: view.objectID)
  }
}
