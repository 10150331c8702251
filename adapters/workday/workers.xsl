<?xml version="1.0" encoding="UTF-8"?>
<!--
  Workers of Workday as SCIM JSON: {"workers": [...]}.

  Reads what Core Connector: Worker writes (ws:Worker_Sync) and what Get_Workers answers
  (wd:Worker, also inside a SOAP envelope). XSLT 1.0, which every engine runs: as a document
  transformation in Workday, in Studio, and in Muster itself, at POST /sources/NAME/workers.

  A part that is there (Personal, Status, Position ...) is said whole: what is missing in it
  is null, which means empty. A part that is not there is not spoken of, so it is kept.
  docs/workday.md says where each field comes from.
-->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
    xmlns:ws="urn:com.workday/workersync" xmlns:wd="urn:com.workday/bsvc"
    exclude-result-prefixes="ws wd">
  <xsl:output method="text" encoding="UTF-8"/>

  <xsl:variable name="lower" select="'abcdefghijklmnopqrstuvwxyz '"/>
  <xsl:variable name="upper" select="'ABCDEFGHIJKLMNOPQRSTUVWXYZ_'"/>

  <xsl:template match="/">
    <xsl:text>{"workers":[</xsl:text>
    <xsl:for-each select="//ws:Worker | //wd:Worker">
      <xsl:if test="position() &gt; 1">,</xsl:if>
      <xsl:apply-templates select="."/>
    </xsl:for-each>
    <xsl:text>]}</xsl:text>
  </xsl:template>

  <!-- Core Connector: Worker -->

  <xsl:template match="ws:Worker">
    <xsl:variable name="more" select="ws:Additional_Information"/>
    <xsl:variable name="ids" select="ws:Summary | $more"/>
    <xsl:variable name="employee" select="$ids/ws:Employee_ID[normalize-space()]"/>
    <xsl:variable name="contingent" select="$ids[not($employee)]/ws:Contingent_Worker_ID[normalize-space()]"/>
    <xsl:variable name="number" select="($employee | $contingent)[1]"/>
    <xsl:variable name="names" select="ws:Personal/ws:Name_Data[not(ws:Operation = 'REMOVE')]"/>
    <xsl:variable name="preferred" select="$names[translate(ws:Name_Type, $lower, $upper) = 'PREFERRED'][1]"/>
    <xsl:variable name="legal" select="$names[translate(ws:Name_Type, $lower, $upper) = 'LEGAL'][1]"/>
    <xsl:variable name="base" select="$legal | $names[not($preferred or $legal)][1]"/>
    <xsl:variable name="mails" select="ws:Personal/ws:Email_Data[not(ws:Operation = 'REMOVE')][translate(ws:Email_Type, $lower, $upper) = 'WORK'][not(ws:Email_Is_Public[normalize-space() = 'false' or normalize-space() = '0'])]"/>
    <xsl:variable name="phones" select="ws:Personal/ws:Phone_Data[not(ws:Operation = 'REMOVE')][translate(ws:Phone_Type, $lower, $upper) = 'WORK'][not(ws:Phone_Is_Public[normalize-space() = 'false' or normalize-space() = '0'])]"/>
    <xsl:variable name="addresses" select="ws:Personal/ws:Address_Data[not(ws:Operation = 'REMOVE')][translate(ws:Address_Type, $lower, $upper) = 'WORK'][not(ws:Address_Is_Public[normalize-space() = 'false' or normalize-space() = '0'])]"/>
    <xsl:variable name="main" select="$addresses[ws:*[contains(local-name(), 'Is_Primary')][normalize-space() = 'true' or normalize-space() = '1']]"/>
    <xsl:variable name="address" select="($main | $addresses[not($main)])[1]"/>
    <xsl:variable name="jobs" select="ws:Position[not(ws:Operation = 'REMOVE')]"/>
    <xsl:variable name="job" select="($jobs[ws:Is_Primary = 'true' or ws:Is_Primary = '1'] | $jobs[not(../ws:Position/ws:Is_Primary)])[1]"/>
    <xsl:variable name="orgs" select="$job/ws:Organization_Data[not(ws:Operation = 'REMOVE')]"/>
    <xsl:variable name="company" select="$orgs[translate(ws:Organization_Type, $lower, $upper) = 'COMPANY'][1]"/>
    <xsl:variable name="cost" select="$orgs[translate(ws:Organization_Type, $lower, $upper) = 'COST_CENTER'][1]"/>
    <xsl:variable name="unit" select="$orgs[translate(ws:Organization_Type, $lower, $upper) = 'BUSINESS_UNIT'][1]"/>
    <xsl:variable name="team" select="$orgs[translate(ws:Organization_Type, $lower, $upper) = 'SUPERVISORY'][1]"/>
    <xsl:variable name="kind">
      <xsl:choose>
        <xsl:when test="$contingent or $more/ws:Contingent_Worker_Type[normalize-space()] or contains(translate($job/ws:Worker_Type, $lower, $upper), 'CONTINGENT')">Contingent</xsl:when>
        <xsl:otherwise>Employee</xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:variable name="state" select="translate(normalize-space(ws:Status/ws:Employee_Status), concat($lower, '-'), concat($upper, '_'))"/>
    <!-- Whoever is not said to be active or not, is so by the other words for it. -->
    <xsl:variable name="active">
      <xsl:choose>
        <xsl:when test="normalize-space(ws:Status/ws:Active)"><xsl:value-of select="normalize-space(ws:Status/ws:Active)"/></xsl:when>
        <xsl:when test="ws:Status/ws:Terminated = 'true' or ws:Status/ws:Terminated = '1'">false</xsl:when>
        <xsl:when test="$state = 'TERMINATED' or $state = 'RETIRED'">false</xsl:when>
        <xsl:when test="$state = 'ACTIVE' or $state = 'ON_LEAVE' or $state = 'ONLEAVE' or $state = 'LEAVE_OF_ABSENCE'">true</xsl:when>
      </xsl:choose>
    </xsl:variable>
    <xsl:variable name="on-leave" select="ws:Leave_of_Absence[ws:On_Leave = 'true' or ws:On_Leave = '1'][1]"/>
    <xsl:variable name="away">
      <xsl:choose>
        <xsl:when test="$on-leave or $state = 'ON_LEAVE' or $state = 'ONLEAVE' or $state = 'LEAVE_OF_ABSENCE' or ws:Status/ws:On_Leave = 'true' or ws:Status/ws:On_Leave = '1'">true</xsl:when>
        <xsl:otherwise>false</xsl:otherwise>
      </xsl:choose>
    </xsl:variable>

    <xsl:text>{</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'externalId'"/><xsl:with-param name="value" select="$number"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'userName'"/><xsl:with-param name="value" select="($ids/ws:User_Name | $ids/ws:Username | ws:Personal/ws:User_Name)[normalize-space()][1]"/></xsl:call-template>
    <xsl:if test="ws:Personal">
      <xsl:text>"name":{</xsl:text>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'honorificPrefix'"/><xsl:with-param name="value" select="($preferred/ws:Title | $base[not($preferred/ws:Title[normalize-space()])]/ws:Title)[normalize-space()][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'honorificSuffix'"/><xsl:with-param name="value" select="($preferred/ws:Social_Suffix | $base[not($preferred/ws:Social_Suffix[normalize-space()])]/ws:Social_Suffix)[normalize-space()][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'middleName'"/><xsl:with-param name="value" select="($preferred/ws:Middle_Name | $base[not($preferred)]/ws:Middle_Name)[1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'familyName'"/><xsl:with-param name="value" select="($preferred/ws:Last_Name | $base[not($preferred/ws:Last_Name[normalize-space()])]/ws:Last_Name)[normalize-space()][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'givenName'"/><xsl:with-param name="value" select="($preferred/ws:First_Name | $base[not($preferred/ws:First_Name[normalize-space()])]/ws:First_Name)[normalize-space()][1]"/><xsl:with-param name="end" select="'},'"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'displayName'"/><xsl:with-param name="value" select="$preferred/ws:Formatted_Name"/></xsl:call-template>
      <xsl:call-template name="reach">
        <xsl:with-param name="mail"><xsl:call-template name="ws-first"><xsl:with-param name="of" select="$mails"/></xsl:call-template></xsl:with-param>
        <xsl:with-param name="work"><xsl:call-template name="ws-first"><xsl:with-param name="of" select="$phones[ws:Phone_Device_Type = 'Landline' or ws:Phone_Device_Type = 'Telephone']"/></xsl:call-template></xsl:with-param>
        <xsl:with-param name="mobile"><xsl:call-template name="ws-first"><xsl:with-param name="of" select="$phones[ws:Phone_Device_Type = 'Mobile']"/></xsl:call-template></xsl:with-param>
        <xsl:with-param name="fax"><xsl:call-template name="ws-first"><xsl:with-param name="of" select="$phones[ws:Phone_Device_Type = 'Fax']"/></xsl:call-template></xsl:with-param>
      </xsl:call-template>
      <xsl:call-template name="address">
        <xsl:with-param name="street" select="$address/ws:Address_Line_Data[1]"/>
        <xsl:with-param name="town" select="$address/ws:Municipality"/>
        <xsl:with-param name="region" select="$address/ws:Region"/>
        <xsl:with-param name="code" select="$address/ws:Postal_Code"/>
        <xsl:with-param name="country" select="($address/ws:Country | $job/ws:Business_Site_Country)[normalize-space()][1]"/>
      </xsl:call-template>
    </xsl:if>
    <xsl:if test="$active != ''">
      <xsl:call-template name="boolean"><xsl:with-param name="name" select="'active'"/><xsl:with-param name="value" select="$active"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$job or $kind = 'Contingent'">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'userType'"/><xsl:with-param name="value" select="$kind"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$job">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'title'"/><xsl:with-param name="value" select="($job/ws:Business_Title | $job[not(normalize-space(ws:Business_Title))]/ws:Position_Title)[normalize-space()][1]"/></xsl:call-template>
    </xsl:if>

    <xsl:text>"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{</xsl:text>
    <xsl:if test="$job">
      <xsl:call-template name="manager"><xsl:with-param name="value" select="$job/ws:Supervisor_ID"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'costCenter'"/><xsl:with-param name="value" select="$cost/*[self::ws:Organization_Code or self::ws:Organization][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'organization'"/><xsl:with-param name="value" select="$company/*[self::ws:Organization_Name or self::ws:Organization][last()]"/></xsl:call-template>
    </xsl:if>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'employeeNumber'"/><xsl:with-param name="value" select="$number"/><xsl:with-param name="end" select="'},'"/></xsl:call-template>

    <xsl:text>"urn:muster:scim:schemas:extension:worker:1.0:User":{</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'sourceId'"/><xsl:with-param name="value" select="$ids/ws:WID[1]"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'universalId'"/><xsl:with-param name="value" select="$ids/ws:Universal_ID[1]"/></xsl:call-template>
    <xsl:if test="$job or $kind = 'Contingent'">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'workerType'"/><xsl:with-param name="value" select="$kind"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$legal">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'legalGivenName'"/><xsl:with-param name="value" select="$legal/ws:First_Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'legalFamilyName'"/><xsl:with-param name="value" select="$legal/ws:Last_Name"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="ws:Status">
      <xsl:call-template name="episode">
        <xsl:with-param name="active" select="$active"/>
        <xsl:with-param name="terminated"><xsl:choose>
          <xsl:when test="$state = 'TERMINATED' and not(normalize-space(ws:Status/ws:Terminated))">true</xsl:when>
          <xsl:otherwise><xsl:value-of select="ws:Status/ws:Terminated"/></xsl:otherwise>
        </xsl:choose></xsl:with-param>
        <xsl:with-param name="retired"><xsl:choose>
          <xsl:when test="$state = 'RETIRED' and not(normalize-space(ws:Status/ws:Retired))">true</xsl:when>
          <xsl:otherwise><xsl:value-of select="ws:Status/ws:Retired"/></xsl:otherwise>
        </xsl:choose></xsl:with-param>
        <xsl:with-param name="rescinded" select="ws:Status/ws:Hire_Rescinded"/>
        <xsl:with-param name="away" select="$away"/>
        <xsl:with-param name="hired" select="ws:Status/ws:Hire_Date"/>
        <xsl:with-param name="first" select="ws:Status/ws:Original_Hire_Date"/>
        <xsl:with-param name="ended" select="ws:Status/ws:Termination_Date"/>
        <xsl:with-param name="last" select="ws:Status/*[self::ws:Termination_Last_Day_of_Work or self::ws:Last_Day_of_Work][1]"/>
        <xsl:with-param name="contract" select="(ws:Status/ws:Contract_End_Date | $job/ws:Contract_End_Date | $more/ws:Contract_End_Date)[normalize-space()][1]"/>
        <xsl:with-param name="involuntary" select="ws:Status/ws:Termination_Involuntary"/>
        <xsl:with-param name="reason" select="ws:Status/ws:Primary_Termination_Reason"/>
        <xsl:with-param name="rehire" select="ws:Status/ws:Rehire"/>
        <xsl:with-param name="leave" select="$on-leave/ws:Leave_of_Absence_Type"/>
        <xsl:with-param name="left" select="$on-leave/ws:Leave_Start_Date"/>
        <xsl:with-param name="back" select="($on-leave/ws:Estimated_Leave_End_Date | $on-leave[not(normalize-space(ws:Estimated_Leave_End_Date))]/ws:Leave_End_Date)[1]"/>
      </xsl:call-template>
    </xsl:if>
    <xsl:if test="$job">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'workerSubType'"/><xsl:with-param name="value" select="($more/ws:Contingent_Worker_Type | $job/ws:Worker_Type)[normalize-space()][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'company'"/><xsl:with-param name="value" select="$company/*[self::ws:Organization_Name or self::ws:Organization][last()]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'companyCode'"/><xsl:with-param name="value" select="$company/*[self::ws:Organization_Code or self::ws:Organization][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'costCenterCode'"/><xsl:with-param name="value" select="$cost/*[self::ws:Organization_Code or self::ws:Organization][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'businessUnit'"/><xsl:with-param name="value" select="$unit/*[self::ws:Organization_Name or self::ws:Organization][last()]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'supervisoryOrganization'"/><xsl:with-param name="value" select="$team/*[self::ws:Organization_Name or self::ws:Organization][last()]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'location'"/><xsl:with-param name="value" select="$job/ws:Business_Site_Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'locationCode'"/><xsl:with-param name="value" select="$job/ws:Business_Site"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'jobCode'"/><xsl:with-param name="value" select="($job/ws:Job_Code | $job/ws:Job_Profile)[normalize-space()][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'jobFamily'"/><xsl:with-param name="value" select="$job/ws:Job_Family[1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'managementLevel'"/><xsl:with-param name="value" select="$job/ws:Management_Level"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'positionId'"/><xsl:with-param name="value" select="$job/ws:Position_ID"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'timeType'"/><xsl:with-param name="value" select="$job/ws:Position_Time_Type"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$jobs">
      <xsl:text>"additionalAssignments":[</xsl:text>
      <xsl:for-each select="$jobs[ws:Is_Primary = 'false' or ws:Is_Primary = '0']">
        <xsl:call-template name="assignment">
          <xsl:with-param name="position" select="ws:Position_ID"/>
          <xsl:with-param name="title" select="(ws:Business_Title | ws:Position_Title[not(normalize-space(../ws:Business_Title))])[normalize-space()][1]"/>
          <xsl:with-param name="location" select="ws:Business_Site_Name"/>
          <xsl:with-param name="manager" select="ws:Supervisor_ID"/>
          <xsl:with-param name="begins" select="ws:Start_Date"/>
          <xsl:with-param name="ends" select="ws:End_Date"/>
        </xsl:call-template>
      </xsl:for-each>
      <xsl:text>],</xsl:text>
    </xsl:if>
    <xsl:text>"effectiveDate":null,</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'sourceModifiedAt'"/><xsl:with-param name="value" select="/ws:Worker_Sync/ws:Header/ws:Current_Entry_Time"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'workerId'"/><xsl:with-param name="value" select="$number"/><xsl:with-param name="end" select="'}}'"/></xsl:call-template>
  </xsl:template>

  <!-- The primary one of addresses or numbers, else the first. -->
  <xsl:template name="ws-first">
    <xsl:param name="of"/>
    <xsl:variable name="main" select="$of[ws:*[contains(local-name(), 'Is_Primary')][normalize-space() = 'true' or normalize-space() = '1']]"/>
    <xsl:value-of select="($main | $of[not($main)])[1]/*[self::ws:Email_Address or self::ws:Complete_Phone_Number or self::ws:Formatted_Phone_Number][1]"/>
  </xsl:template>

  <!-- Get_Workers -->

  <xsl:template match="wd:Worker">
    <xsl:variable name="data" select="wd:Worker_Data"/>
    <xsl:variable name="refs" select="wd:Worker_Reference/wd:ID"/>
    <xsl:variable name="employee" select="$refs[@*[local-name() = 'type'] = 'Employee_ID'][normalize-space()]"/>
    <xsl:variable name="contingent" select="$refs[not($employee)][@*[local-name() = 'type'] = 'Contingent_Worker_ID'][normalize-space()]"/>
    <xsl:variable name="number" select="($data/wd:Worker_ID | ($employee | $contingent)[not($data/wd:Worker_ID[normalize-space()])])[normalize-space()][1]"/>
    <xsl:variable name="person" select="$data/wd:Personal_Data"/>
    <xsl:variable name="legal" select="$person/wd:Name_Data/wd:Legal_Name_Data/wd:Name_Detail_Data"/>
    <xsl:variable name="preferred" select="$person/wd:Name_Data/wd:Preferred_Name_Data/wd:Name_Detail_Data"/>
    <xsl:variable name="status" select="$data/wd:Employment_Data/wd:Worker_Status_Data"/>
    <xsl:variable name="contracts" select="$data/wd:Employment_Data/wd:Worker_Contract_Data"/>
    <xsl:variable name="jobs" select="$data/wd:Employment_Data/wd:Worker_Job_Data"/>
    <xsl:variable name="job" select="($jobs[@*[local-name() = 'Primary_Job'] = '1' or @*[local-name() = 'Primary_Job'] = 'true']/wd:Position_Data | $data/wd:Employment_Data/wd:Position_Data | $jobs[not(@*[local-name() = 'Primary_Job'])]/wd:Position_Data)[1]"/>
    <!-- v21.1 has the words for the type alone. -->
    <xsl:variable name="unnumbered" select="$job/wd:Worker_Type_Reference[not(wd:ID[not(@*[local-name() = 'type'] = 'WID')])]"/>
    <xsl:variable name="site" select="$job/wd:Business_Site_Summary_Data"/>
    <xsl:variable name="contact" select="$person/wd:Contact_Data"/>
    <xsl:variable name="mails" select="$contact/wd:Email_Address_Data[wd:Usage_Data[not(@*[local-name() = 'Public'] = '0' or @*[local-name() = 'Public'] = 'false')]/wd:Type_Data/wd:Type_Reference/wd:ID = 'WORK']"/>
    <xsl:variable name="phones" select="$contact/wd:Phone_Data[wd:Usage_Data[not(@*[local-name() = 'Public'] = '0' or @*[local-name() = 'Public'] = 'false')]/wd:Type_Data/wd:Type_Reference/wd:ID = 'WORK']"/>
    <xsl:variable name="orgs" select="$data/wd:Organization_Data/wd:Worker_Organization_Data/wd:Organization_Data"/>
    <xsl:variable name="company" select="$orgs[wd:Organization_Type_Reference/wd:ID = 'COMPANY'][1]"/>
    <xsl:variable name="cost" select="$orgs[wd:Organization_Type_Reference/wd:ID = 'COST_CENTER'][1]"/>
    <xsl:variable name="unit" select="$orgs[wd:Organization_Type_Reference/wd:ID = 'BUSINESS_UNIT'][1]"/>
    <xsl:variable name="team" select="$orgs[wd:Organization_Type_Reference/wd:ID = 'SUPERVISORY'][1]"/>
    <xsl:variable name="chain" select="$data/wd:Management_Chain_Data/wd:Worker_Supervisory_Management_Chain_Data[1]/wd:Management_Chain_Data[last()]/wd:Manager_Reference | $job[not($data/wd:Management_Chain_Data)]/wd:Manager_as_of_last_detected_manager_change_Reference"/>
    <xsl:variable name="kind">
      <xsl:choose>
        <xsl:when test="$contingent or $job/wd:Worker_Type_Reference/wd:ID[@*[local-name() = 'type'] = 'Contingent_Worker_Type_ID'] or contains(translate($unnumbered/@*[local-name() = 'Descriptor'], $lower, $upper), 'CONTINGENT')">Contingent</xsl:when>
        <xsl:otherwise>Employee</xsl:otherwise>
      </xsl:choose>
    </xsl:variable>
    <xsl:variable name="on-leave" select="$status/wd:Leave_Status_Data[wd:On_Leave = '1' or wd:On_Leave = 'true'][1]"/>

    <xsl:text>{</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'externalId'"/><xsl:with-param name="value" select="$number"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'userName'"/><xsl:with-param name="value" select="($data/wd:User_Account_Data/wd:User_Name | $data/wd:User_ID)[normalize-space()][1]"/></xsl:call-template>
    <xsl:if test="$person">
      <xsl:text>"name":{</xsl:text>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'honorificPrefix'"/><xsl:with-param name="value" select="($preferred | $legal)/wd:Prefix_Data/wd:Title_Descriptor[1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'middleName'"/><xsl:with-param name="value" select="($preferred/wd:Middle_Name | $legal[not($preferred)]/wd:Middle_Name)[1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'familyName'"/><xsl:with-param name="value" select="($preferred/wd:Last_Name | $legal[not($preferred/wd:Last_Name[normalize-space()])]/wd:Last_Name)[normalize-space()][1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'givenName'"/><xsl:with-param name="value" select="($preferred/wd:First_Name | $legal[not($preferred/wd:First_Name[normalize-space()])]/wd:First_Name)[normalize-space()][1]"/><xsl:with-param name="end" select="'},'"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'displayName'"/><xsl:with-param name="value" select="$preferred/@*[local-name() = 'Formatted_Name']"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$contact">
      <xsl:call-template name="reach">
        <xsl:with-param name="mail"><xsl:call-template name="wd-first"><xsl:with-param name="of" select="$mails"/></xsl:call-template></xsl:with-param>
        <xsl:with-param name="work"><xsl:call-template name="wd-first"><xsl:with-param name="of" select="$phones[wd:Phone_Device_Type_Reference/wd:ID = 'Landline' or wd:Phone_Device_Type_Reference/wd:ID = 'TELEPHONE']"/></xsl:call-template></xsl:with-param>
        <xsl:with-param name="mobile"><xsl:call-template name="wd-first"><xsl:with-param name="of" select="$phones[wd:Phone_Device_Type_Reference/wd:ID = 'Mobile']"/></xsl:call-template></xsl:with-param>
        <xsl:with-param name="fax"><xsl:call-template name="wd-first"><xsl:with-param name="of" select="$phones[wd:Phone_Device_Type_Reference/wd:ID = 'Fax']"/></xsl:call-template></xsl:with-param>
      </xsl:call-template>
    </xsl:if>
    <xsl:if test="$status/wd:Active">
      <xsl:call-template name="boolean"><xsl:with-param name="name" select="'active'"/><xsl:with-param name="value" select="$status/wd:Active"/></xsl:call-template>
    </xsl:if>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'userType'"/><xsl:with-param name="value" select="$kind"/></xsl:call-template>
    <xsl:if test="$job">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'title'"/><xsl:with-param name="value" select="($job/wd:Business_Title | $job[not(normalize-space(wd:Business_Title))]/wd:Position_Title)[normalize-space()][1]"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$site">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'locale'"/><xsl:with-param name="value" select="$site/wd:Local_Reference/wd:ID[@*[local-name() = 'type'] = 'Locale_ID']"/></xsl:call-template>
      <xsl:call-template name="address">
        <xsl:with-param name="street" select="$site/wd:Address_Data[1]/wd:Address_Line_Data[1]"/>
        <xsl:with-param name="town" select="$site/wd:Address_Data[1]/wd:Municipality"/>
        <xsl:with-param name="region" select="$site/wd:Address_Data[1]/wd:Country_Region_Descriptor"/>
        <xsl:with-param name="code" select="$site/wd:Address_Data[1]/wd:Postal_Code"/>
        <xsl:with-param name="country" select="$site/wd:Address_Data[1]/wd:Country_Reference/wd:ID[contains(@*[local-name() = 'type'], 'Alpha-')][1]"/>
      </xsl:call-template>
    </xsl:if>

    <xsl:text>"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{</xsl:text>
    <xsl:if test="$data/wd:Management_Chain_Data or $chain">
      <xsl:call-template name="manager"><xsl:with-param name="value"><xsl:call-template name="number"><xsl:with-param name="of" select="$chain"/></xsl:call-template></xsl:with-param></xsl:call-template>
    </xsl:if>
    <xsl:if test="$orgs">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'costCenter'"/><xsl:with-param name="value" select="$cost/wd:Organization_Code"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'organization'"/><xsl:with-param name="value" select="$company/wd:Organization_Name"/></xsl:call-template>
    </xsl:if>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'employeeNumber'"/><xsl:with-param name="value" select="$number"/><xsl:with-param name="end" select="'},'"/></xsl:call-template>

    <xsl:text>"urn:muster:scim:schemas:extension:worker:1.0:User":{</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'sourceId'"/><xsl:with-param name="value" select="$refs[@*[local-name() = 'type'] = 'WID']"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'universalId'"/><xsl:with-param name="value" select="$data/wd:Universal_ID"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'sourceUserId'"/><xsl:with-param name="value" select="$data/wd:User_ID"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'workerType'"/><xsl:with-param name="value" select="$kind"/></xsl:call-template>
    <xsl:if test="$legal">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'legalGivenName'"/><xsl:with-param name="value" select="$legal/wd:First_Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'legalFamilyName'"/><xsl:with-param name="value" select="$legal/wd:Last_Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'localGivenName'"/><xsl:with-param name="value" select="$legal/wd:Local_Name_Detail_Data/wd:First_Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'localFamilyName'"/><xsl:with-param name="value" select="$legal/wd:Local_Name_Detail_Data/wd:Last_Name"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$status">
      <xsl:call-template name="episode">
        <xsl:with-param name="active" select="$status/wd:Active"/>
        <xsl:with-param name="terminated" select="$status/wd:Terminated"/>
        <xsl:with-param name="retired" select="$status/wd:Retired"/>
        <xsl:with-param name="rescinded" select="$status/wd:Hire_Rescinded"/>
        <xsl:with-param name="away"><xsl:choose><xsl:when test="$on-leave">true</xsl:when><xsl:otherwise>false</xsl:otherwise></xsl:choose></xsl:with-param>
        <xsl:with-param name="hired" select="$status/wd:Hire_Date"/>
        <xsl:with-param name="first" select="$status/wd:Original_Hire_Date"/>
        <xsl:with-param name="ended" select="$status/wd:Termination_Date"/>
        <xsl:with-param name="last" select="$status/wd:Termination_Last_Day_of_Work"/>
        <xsl:with-param name="contract">
          <!-- The last end of several contracts; one without an end goes on after all. -->
          <xsl:for-each select="$contracts[not($contracts[not(normalize-space(wd:Contract_End_Date))])]">
            <xsl:sort select="normalize-space(wd:Contract_End_Date)" order="descending"/>
            <xsl:if test="position() = 1"><xsl:value-of select="wd:Contract_End_Date"/></xsl:if>
          </xsl:for-each>
        </xsl:with-param>
        <xsl:with-param name="involuntary" select="$status/wd:Termination_Involuntary"/>
        <xsl:with-param name="reason" select="$status/wd:Primary_Termination_Reason_Reference/wd:ID[last()]"/>
        <xsl:with-param name="rehire" select="$status/wd:Rehire"/>
        <xsl:with-param name="leave" select="$on-leave/wd:Leave_of_Absence_Type_Reference/wd:ID[@*[local-name() = 'type'] = 'Leave_of_Absence_Type_ID']"/>
        <xsl:with-param name="left" select="$on-leave/wd:Leave_Start_Date"/>
        <xsl:with-param name="back" select="($on-leave/wd:Estimated_Leave_End_Date | $on-leave[not(normalize-space(wd:Estimated_Leave_End_Date))]/wd:Leave_End_Date)[1]"/>
      </xsl:call-template>
    </xsl:if>
    <xsl:if test="$orgs">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'company'"/><xsl:with-param name="value" select="$company/wd:Organization_Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'companyCode'"/><xsl:with-param name="value" select="$company/wd:Organization_Code"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'costCenterCode'"/><xsl:with-param name="value" select="$cost/wd:Organization_Code"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'businessUnit'"/><xsl:with-param name="value" select="$unit/wd:Organization_Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'supervisoryOrganization'"/><xsl:with-param name="value" select="$team/wd:Organization_Name"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$job">
      <xsl:call-template name="text"><xsl:with-param name="name" select="'workerSubType'"/><xsl:with-param name="value" select="($job/wd:Worker_Type_Reference/wd:ID[not(@*[local-name() = 'type'] = 'WID')] | $unnumbered/@*[local-name() = 'Descriptor'])[1]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'location'"/><xsl:with-param name="value" select="$site/wd:Name"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'locationCode'"/><xsl:with-param name="value" select="$site/wd:Location_Reference/wd:ID[@*[local-name() = 'type'] = 'Location_ID']"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'workSpace'"/><xsl:with-param name="value" select="$job/wd:Work_Space__Reference/wd:ID[last()]"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'jobCode'"/><xsl:with-param name="value" select="$job/wd:Job_Profile_Summary_Data/wd:Job_Profile_Reference/wd:ID[@*[local-name() = 'type'] = 'Job_Profile_ID']"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'jobFamily'"/><xsl:with-param name="value" select="$job/wd:Job_Profile_Summary_Data/wd:Job_Family_Reference[1]/wd:ID[@*[local-name() = 'type'] = 'Job_Family_ID']"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'managementLevel'"/><xsl:with-param name="value" select="$job/wd:Job_Profile_Summary_Data/wd:Management_Level_Reference/wd:ID[@*[local-name() = 'type'] = 'Management_Level_ID']"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'positionId'"/><xsl:with-param name="value" select="$job/wd:Position_ID"/></xsl:call-template>
      <xsl:call-template name="text"><xsl:with-param name="name" select="'timeType'"/><xsl:with-param name="value" select="$job/wd:Position_Time_Type_Reference/wd:ID[@*[local-name() = 'type'] = 'Position_Time_Type_ID']"/></xsl:call-template>
    </xsl:if>
    <xsl:if test="$job">
      <xsl:variable name="share" select="number($job/wd:Full_Time_Equivalent_Percentage) div 100"/>
      <xsl:text>"fte":</xsl:text>
      <xsl:choose>
        <xsl:when test="$share &gt;= 0"><xsl:value-of select="$share"/></xsl:when>
        <xsl:otherwise>null</xsl:otherwise>
      </xsl:choose>
      <xsl:text>,</xsl:text>
    </xsl:if>
    <xsl:if test="$data/wd:Account_Provisioning_Data">
      <xsl:text>"provisioningGroups":[</xsl:text>
      <xsl:for-each select="$data/wd:Account_Provisioning_Data/wd:Provisioning_Group_Assignment_Data[wd:Status = 'Assigned']/wd:Provisioning_Group[normalize-space()]">
        <xsl:if test="position() &gt; 1">,</xsl:if>
        <xsl:text>"</xsl:text>
        <xsl:call-template name="escaped"><xsl:with-param name="text" select="normalize-space()"/></xsl:call-template>
        <xsl:text>"</xsl:text>
      </xsl:for-each>
      <xsl:text>],</xsl:text>
    </xsl:if>
    <xsl:if test="$jobs">
      <xsl:text>"additionalAssignments":[</xsl:text>
      <xsl:for-each select="$jobs[@*[local-name() = 'Primary_Job'] = '0' or @*[local-name() = 'Primary_Job'] = 'false']/wd:Position_Data">
        <xsl:call-template name="assignment">
          <xsl:with-param name="position" select="wd:Position_ID"/>
          <xsl:with-param name="title" select="(wd:Business_Title | wd:Position_Title[not(normalize-space(../wd:Business_Title))])[normalize-space()][1]"/>
          <xsl:with-param name="location" select="wd:Business_Site_Summary_Data/wd:Name"/>
          <xsl:with-param name="manager"><xsl:call-template name="number"><xsl:with-param name="of" select="wd:Manager_as_of_last_detected_manager_change_Reference"/></xsl:call-template></xsl:with-param>
          <xsl:with-param name="begins" select="wd:Start_Date"/>
          <xsl:with-param name="ends" select="wd:End_Employment_Date"/>
        </xsl:call-template>
      </xsl:for-each>
      <xsl:text>],</xsl:text>
    </xsl:if>
    <!-- Taken as of a day that is still to come, when it was asked for, it holds from that day. -->
    <xsl:variable name="filter" select="ancestor::wd:Get_Workers_Response/wd:Response_Filter"/>
    <xsl:variable name="asked" select="translate(substring(normalize-space($filter/wd:As_Of_Entry_DateTime), 1, 10), '-', '')"/>
    <xsl:variable name="held" select="translate(substring(normalize-space($filter/wd:As_Of_Effective_Date), 1, 10), '-', '')"/>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'effectiveDate'"/><xsl:with-param name="value" select="$filter[$asked = '' or number($held) &gt; number($asked)]/wd:As_Of_Effective_Date"/></xsl:call-template>
    <xsl:for-each select="$data/wd:Transaction_Log_Entry_Data/wd:Transaction_Log_Entry//wd:Transaction_Entry_Moment">
      <xsl:sort select="." order="descending"/>
      <xsl:if test="position() = 1">
        <xsl:call-template name="text"><xsl:with-param name="name" select="'sourceModifiedAt'"/><xsl:with-param name="value" select="."/></xsl:call-template>
      </xsl:if>
    </xsl:for-each>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'workerId'"/><xsl:with-param name="value" select="$number"/><xsl:with-param name="end" select="'}}'"/></xsl:call-template>
  </xsl:template>

  <xsl:template name="wd-first">
    <xsl:param name="of"/>
    <xsl:variable name="main" select="$of[wd:Usage_Data/wd:Type_Data[wd:Type_Reference/wd:ID = 'WORK']/@*[local-name() = 'Primary'][. = '1' or . = 'true']]"/>
    <xsl:variable name="one" select="($main | $of[not($main)])[1]"/>
    <xsl:value-of select="($one/wd:Email_Address | $one/@*[local-name() = 'Workday_Traditional_Formatted_Phone' or local-name() = 'Formatted_Phone'])[1]"/>
  </xsl:template>

  <!-- The worker number in a reference, else the WID. -->
  <xsl:template name="number">
    <xsl:param name="of"/>
    <xsl:variable name="employee" select="$of/wd:ID[@*[local-name() = 'type'] = 'Employee_ID']"/>
    <xsl:variable name="contingent" select="$of[not($employee)]/wd:ID[@*[local-name() = 'type'] = 'Contingent_Worker_ID']"/>
    <xsl:value-of select="($employee | $contingent | $of[not($employee or $contingent)]/wd:ID[@*[local-name() = 'type'] = 'WID'])[1]"/>
  </xsl:template>

  <!-- What both have -->

  <xsl:template name="episode">
    <xsl:param name="active"/><xsl:param name="terminated"/><xsl:param name="retired"/>
    <xsl:param name="rescinded"/><xsl:param name="away"/><xsl:param name="hired"/>
    <xsl:param name="first"/><xsl:param name="ended"/><xsl:param name="last"/>
    <xsl:param name="contract"/><xsl:param name="involuntary"/><xsl:param name="reason"/>
    <xsl:param name="rehire"/><xsl:param name="leave"/>
    <xsl:param name="left"/><xsl:param name="back"/>
    <xsl:variable name="on" select="$active = 'true' or $active = '1'"/>
    <xsl:variable name="off" select="$active = 'false' or $active = '0'"/>
    <xsl:text>"status":</xsl:text>
    <xsl:choose>
      <xsl:when test="$rescinded = 'true' or $rescinded = '1'">"rescinded"</xsl:when>
      <xsl:when test="$on and $away = 'true'">"onLeave"</xsl:when>
      <xsl:when test="$on">"active"</xsl:when>
      <xsl:when test="$retired = 'true' or $retired = '1'">"retired"</xsl:when>
      <xsl:when test="$terminated = 'true' or $terminated = '1'">"terminated"</xsl:when>
      <xsl:when test="$off and normalize-space($hired) and ($terminated = 'false' or $terminated = '0')">"preHire"</xsl:when>
      <xsl:otherwise>null</xsl:otherwise>
    </xsl:choose>
    <xsl:text>,"onLeave":</xsl:text><xsl:value-of select="$away"/><xsl:text>,</xsl:text>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'hireDate'"/><xsl:with-param name="value" select="$hired"/></xsl:call-template>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'originalHireDate'"/><xsl:with-param name="value" select="$first"/></xsl:call-template>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'terminationDate'"/><xsl:with-param name="value" select="$ended"/></xsl:call-template>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'lastDayOfWork'"/><xsl:with-param name="value" select="$last"/></xsl:call-template>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'contractEndDate'"/><xsl:with-param name="value" select="$contract"/></xsl:call-template>
    <xsl:call-template name="boolean"><xsl:with-param name="name" select="'involuntary'"/><xsl:with-param name="value" select="$involuntary"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'terminationReason'"/><xsl:with-param name="value" select="$reason"/></xsl:call-template>
    <xsl:call-template name="boolean"><xsl:with-param name="name" select="'retired'"/><xsl:with-param name="value" select="$retired"/></xsl:call-template>
    <xsl:call-template name="boolean"><xsl:with-param name="name" select="'rehire'"/><xsl:with-param name="value" select="$rehire"/></xsl:call-template>
    <xsl:call-template name="boolean"><xsl:with-param name="name" select="'hireRescinded'"/><xsl:with-param name="value" select="$rescinded"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'leaveType'"/><xsl:with-param name="value" select="$leave"/></xsl:call-template>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'leaveStartDate'"/><xsl:with-param name="value" select="$left"/></xsl:call-template>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'leaveExpectedEndDate'"/><xsl:with-param name="value" select="$back"/></xsl:call-template>
  </xsl:template>

  <!-- A job beside the primary one. -->
  <xsl:template name="assignment">
    <xsl:param name="position"/><xsl:param name="title"/><xsl:param name="location"/>
    <xsl:param name="manager"/><xsl:param name="begins"/><xsl:param name="ends"/>
    <xsl:if test="position() &gt; 1">,</xsl:if>
    <xsl:text>{"type":"secondary",</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'positionId'"/><xsl:with-param name="value" select="$position"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'title'"/><xsl:with-param name="value" select="$title"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'location'"/><xsl:with-param name="value" select="$location"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'managerId'"/><xsl:with-param name="value" select="$manager"/></xsl:call-template>
    <xsl:call-template name="date"><xsl:with-param name="name" select="'startDate'"/><xsl:with-param name="value" select="$begins"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'endDate'"/><xsl:with-param name="value" select="substring(normalize-space($ends), 1, 10)"/><xsl:with-param name="end" select="'}'"/></xsl:call-template>
  </xsl:template>

  <!-- Private addresses and numbers are not sent at all. -->
  <xsl:template name="reach">
    <xsl:param name="mail"/><xsl:param name="work"/><xsl:param name="mobile"/><xsl:param name="fax"/>
    <xsl:text>"emails":[{"type":"work","primary":true,</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'value'"/><xsl:with-param name="value" select="$mail"/><xsl:with-param name="end" select="'}],'"/></xsl:call-template>
    <xsl:text>"phoneNumbers":[{"type":"work",</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'value'"/><xsl:with-param name="value" select="$work"/><xsl:with-param name="end" select="'},'"/></xsl:call-template>
    <xsl:text>{"type":"mobile",</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'value'"/><xsl:with-param name="value" select="$mobile"/><xsl:with-param name="end" select="'},'"/></xsl:call-template>
    <xsl:text>{"type":"fax",</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'value'"/><xsl:with-param name="value" select="$fax"/><xsl:with-param name="end" select="'}],'"/></xsl:call-template>
  </xsl:template>

  <xsl:template name="address">
    <xsl:param name="street"/><xsl:param name="town"/><xsl:param name="region"/>
    <xsl:param name="code"/><xsl:param name="country"/>
    <xsl:text>"addresses":[{"type":"work",</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'streetAddress'"/><xsl:with-param name="value" select="$street"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'locality'"/><xsl:with-param name="value" select="$town"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'region'"/><xsl:with-param name="value" select="$region"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'postalCode'"/><xsl:with-param name="value" select="$code"/></xsl:call-template>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'country'"/><xsl:with-param name="value" select="$country"/><xsl:with-param name="end" select="'}],'"/></xsl:call-template>
  </xsl:template>

  <xsl:template name="manager">
    <xsl:param name="value"/>
    <xsl:text>"manager":{</xsl:text>
    <xsl:call-template name="text"><xsl:with-param name="name" select="'value'"/><xsl:with-param name="value" select="$value"/><xsl:with-param name="end" select="'},'"/></xsl:call-template>
  </xsl:template>

  <!-- Members of an object -->

  <xsl:template name="text">
    <xsl:param name="name"/><xsl:param name="value"/><xsl:param name="end" select="','"/>
    <xsl:variable name="said" select="normalize-space($value)"/>
    <xsl:value-of select="concat('&quot;', $name, '&quot;:')"/>
    <xsl:choose>
      <xsl:when test="$said = ''">null</xsl:when>
      <xsl:otherwise>
        <xsl:text>"</xsl:text>
        <xsl:call-template name="escaped"><xsl:with-param name="text" select="$said"/></xsl:call-template>
        <xsl:text>"</xsl:text>
      </xsl:otherwise>
    </xsl:choose>
    <xsl:value-of select="$end"/>
  </xsl:template>

  <!-- The day as it is written: an offset behind it must not move it. -->
  <xsl:template name="date">
    <xsl:param name="name"/><xsl:param name="value"/>
    <xsl:call-template name="text"><xsl:with-param name="name" select="$name"/><xsl:with-param name="value" select="substring(normalize-space($value), 1, 10)"/></xsl:call-template>
  </xsl:template>

  <xsl:template name="boolean">
    <xsl:param name="name"/><xsl:param name="value"/>
    <xsl:variable name="said" select="normalize-space($value)"/>
    <xsl:value-of select="concat('&quot;', $name, '&quot;:')"/>
    <xsl:choose>
      <xsl:when test="$said = '1' or $said = 'true'">true</xsl:when>
      <xsl:when test="$said = '0' or $said = 'false'">false</xsl:when>
      <xsl:otherwise>null</xsl:otherwise>
    </xsl:choose>
    <xsl:text>,</xsl:text>
  </xsl:template>

  <xsl:template name="escaped">
    <xsl:param name="text"/>
    <xsl:variable name="head" select="substring-before(concat(translate($text, '\', '&quot;'), '&quot;'), '&quot;')"/>
    <xsl:value-of select="$head"/>
    <xsl:if test="string-length($head) &lt; string-length($text)">
      <xsl:value-of select="concat('\', substring($text, string-length($head) + 1, 1))"/>
      <xsl:call-template name="escaped"><xsl:with-param name="text" select="substring($text, string-length($head) + 2)"/></xsl:call-template>
    </xsl:if>
  </xsl:template>
</xsl:stylesheet>
