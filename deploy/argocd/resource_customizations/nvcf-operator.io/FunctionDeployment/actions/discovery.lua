local metadata = obj.metadata or {}
local annotations = metadata.annotations or {}
local spec = obj.spec or {}

local deleting = metadata.deletionTimestamp ~= nil
-- The operator takes the word in any case of letters; there is no library for strings here.
local word = annotations["nvcf-operator.io/paused"]
local paused = word == "true" or word == "True" or word == "TRUE"

-- What spec.suspend stops, only the manifest resumes: an action that changed the spec would be undone by a self-heal.
return {
  ["pause"] = {
    ["displayName"] = "Pause",
    ["iconClass"] = "fa fa-fw fa-pause",
    ["disabled"] = deleting or paused or spec.suspend == true
  },
  ["resume"] = {
    ["displayName"] = "Resume",
    ["iconClass"] = "fa fa-fw fa-play",
    ["disabled"] = not paused
  },
  ["reconcile-now"] = {
    ["displayName"] = "Reconcile now",
    ["iconClass"] = "fa fa-fw fa-redo",
    ["disabled"] = false
  }
}
